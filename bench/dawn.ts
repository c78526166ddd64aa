/**
 * WebGPU in Node, by Dawn. The environment chooses the driver, unless an adapter is named.
 */
import { requireFirst } from './peers.ts';

/** Kept for good: Dawn ends with this object, and Node with it. */
let gpu: GPU | undefined;

/** @param adapterName a part of the name of one of Dawn's adapters; empty: any */
export function startDawn(adapterName = ''): GPU {
  if (gpu) return gpu;
  const { create, globals } = requireFirst('webgpu');
  Object.assign(globalThis, globals);
  // Experimental features, such as subgroup matrices, are called unsafe; and NVIDIA's f16 has to be asked for.
  const toggles = 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia';
  gpu = create([toggles, ...(adapterName ? [`adapter=${adapterName}`] : [])]) as GPU;
  return gpu;
}

/** @throws where there is none */
export async function requestAdapter(adapterName = ''): Promise<GPUAdapter> {
  const adapter = await startDawn(adapterName).requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('Dawn found no adapter: is there a Vulkan driver and libvulkan.so.1?');
  return adapter;
}
