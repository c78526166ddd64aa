/**
 * WebGPU in Node, by Dawn. The environment chooses the driver, unless a flag does.
 */
import { create, globals } from 'webgpu';

/** @param flags of Dawn's, such as `backend=null`: every feature, and nothing is computed */
export function startDawn(...flags: string[]): GPU {
  const gpu = create(['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia', ...flags]);
  // Held by a global: once it is collected, the next pipeline ends the process.
  return Object.assign(globalThis, globals, { dawn: gpu }).dawn;
}
