/**
 * WebGPU in Node, by Dawn. The environment chooses the driver, unless a flag does.
 */
import { requireFirst } from './peers.ts';

/** Kept for good: once it is collected, the next pipeline ends the process. */
let gpu: GPU | undefined;

/** @param flags of Dawn's, such as `backend=null`: every feature, and nothing is computed; those of the first call count */
export function startDawn(...flags: string[]): GPU {
  if (gpu) return gpu;
  const { create, globals } = requireFirst('webgpu');
  Object.assign(globalThis, globals);
  // Experimental features, such as subgroup matrices, are called unsafe; and NVIDIA's f16 has to be asked for.
  gpu = create(['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia', ...flags]) as GPU;
  return gpu;
}

/**
 * @param adapterName a part of the name of one of Dawn's adapters; empty: any
 * @throws where there is none
 */
export async function requestAdapter(adapterName = ''): Promise<GPUAdapter> {
  const gpu = startDawn(...(adapterName ? [`adapter=${adapterName}`] : []));
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('Dawn found no adapter: is there a Vulkan driver and libvulkan.so.1?');
  return adapter;
}
