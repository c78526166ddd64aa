/**
 * What would run here, asked without a download and without a device.
 */
import { adapterInfo } from '../gpu/adapter.ts';

export interface Support {
  webgpu: boolean;
  /** Why not, and what to do about it, in a sentence for people; null where WebGPU works. */
  reason: string | null;
  /** The GPU is imitated by the processor: right, but slow. */
  software: boolean;
}

export async function checkSupport(): Promise<Support> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) {
    const reason = globalThis.isSecureContext
      ? 'This browser has no WebGPU. Chrome, Edge, Safari and Firefox have it in their current versions.'
      : 'WebGPU is only given to secure pages. Open this page over https or on localhost.';
    return { webgpu: false, reason, software: false };
  }
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (!adapter) {
    const reason =
      'The browser found no GPU it can use. Update the graphics driver, or turn on hardware acceleration in its settings.';
    return { webgpu: false, reason, software: false };
  }
  return { webgpu: true, reason: null, software: adapterInfo(adapter.info).software };
}
