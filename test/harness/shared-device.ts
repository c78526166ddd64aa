/**
 * One device for all models of a suite, so that what one compiled the next has: on a software adapter that is nearly all of
 * the time that a load takes. For tests that do not ask when a device ends, nor lose it.
 */
import { afterAll, beforeAll } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';

export function shareDevice(): void {
  const { request } = Gpu;
  let first: Promise<Gpu> | undefined;
  beforeAll(() => {
    Gpu.request = async (powerPreference, accept) => {
      // Refused, as ever.
      if (accept?.software === false) return request.call(Gpu, powerPreference, accept);
      first ??= request.call(Gpu, powerPreference);
      const { device } = await first;
      const adapter = await navigator.gpu.requestAdapter();
      return new Gpu(device, false, adapter!.info);
    };
  });
  afterAll(async () => {
    Gpu.request = request;
    (await first)?.destroy();
  });
}
