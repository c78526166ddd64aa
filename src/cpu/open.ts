/**
 * The fastest way to compute a model on this CPU that its browser allows.
 */
import type { Backend } from '../backend.ts';
import { supportedSimd } from './simd.ts';
import { WasmBackend, type WasmOptions } from './wasm-backend.ts';

type ModuleFile = 'cpu-plain.wasm' | 'cpu-relaxed.wasm';

/** Of this thread: the next model needs no other. */
const modules = new Map<ModuleFile, WebAssembly.Module>();

export interface CpuOptions extends Omit<WasmOptions, 'module' | 'simd'> {
  /** Gives the bytes of a module, by its file. */
  read(file: ModuleFile): Promise<BufferSource>;
}

/** @throws Error that says why WebAssembly cannot be used here; ViTError `out-of-memory` */
export async function openCpu({ read, ...options }: CpuOptions): Promise<Backend> {
  const simd = supportedSimd();
  if (simd === 'none') throw new Error('this browser has no WebAssembly SIMD');
  const file: ModuleFile = `cpu-${simd}.wasm`;
  const module = modules.get(file) ?? (await WebAssembly.compile(await read(file)));
  modules.set(file, module);
  return WasmBackend.create({ ...options, module, simd });
}
