/**
 * What would run here, asked without a download and without a device.
 */
import { whyNoWebGpu } from '../gpu/absence.ts';
import { adapterInfo } from '../gpu/adapter.ts';

export interface Support {
  webgpu: boolean;
  /** Why not, and what to do about it, in a sentence for people; null where WebGPU works. */
  reason: string | null;
  /** The GPU is imitated by the CPU: right, but slow. */
  software: boolean;
}

/** Does not throw, whatever runs it: a browser, a worker, Node, a server that renders a page. */
export async function checkSupport(): Promise<Support> {
  const gpu = globalThis.navigator?.gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return { webgpu: false, reason: whyNoWebGpu(), software: false };
  return { webgpu: true, reason: null, software: adapterInfo(adapter.info).software };
}
