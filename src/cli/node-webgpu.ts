/**
 * WebGPU in Node: Dawn, by the package `webgpu`, where a browser has `navigator.gpu`.
 */
import { ViTError } from '../error.ts';

/** Kept for good: once it is collected, the next pipeline ends the process. */
let gpu: GPU | undefined;

/** @throws ViTError `no-webgpu` where the package is not installed */
export async function provideWebGpu(): Promise<void> {
  if (gpu) return;
  const { create, globals } = await load();
  Object.assign(globalThis, globals);
  // NVIDIA's f16 has to be asked for.
  gpu = create(['enable-dawn-features=vulkan_enable_f16_on_nvidia']);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
}

async function load(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    throw new ViTError('no-webgpu', 'WebGPU in Node is the package webgpu. Install it: npm install webgpu', { cause });
  }
}
