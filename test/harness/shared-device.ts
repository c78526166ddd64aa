/**
 * One device for all models of a suite, and for all suites of a page that share it: what one compiled the next has, and on a
 * software adapter compiling is nearly all of the time that a load takes. For tests that do not ask when a device ends, nor lose it.
 */
import { afterAll, beforeAll } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { testGpu } from './gpu.ts';

export function shareDevice(): void {
  const { request } = Gpu;
  beforeAll(() => {
    Gpu.request = async (powerPreference, accept) => {
      // Refused, as ever.
      if (accept?.software === false) return request.call(Gpu, powerPreference, accept);
      const { device } = await testGpu();
      const adapter = await navigator.gpu.requestAdapter();
      return new Gpu(device, false, adapter!.info);
    };
  });
  afterAll(() => {
    Gpu.request = request;
  });
}
