/**
 * The fastest way to compute a model on this CPU that its browser allows.
 */
import type { Backend } from '../backend.ts';
import type { EngineOptions } from '../interface.ts';
import type { Manifest } from '../weights/manifest.ts';
import { bitsOfTensors } from './few-bits.ts';
import { forSharedMemory } from './shared-memory.ts';
import { supportedSimd } from './simd.ts';
import { WasmBackend, type WasmOptions } from './wasm-backend.ts';

type ModuleFile = 'cpu-plain.wasm' | 'cpu-relaxed.wasm';

/** Of this thread: the next model needs no other. */
const modules = new Map<string, WebAssembly.Module>();

export interface CpuOptions extends Omit<WasmOptions, 'moduleFor' | 'simd' | 'fewBits' | 'threads'> {
  manifest: Pick<Manifest, 'tensors'>;
  /** What stays in few bits is widened where the caller asks for another format than that of the files. */
  options: Pick<EngineOptions, 'dtype' | 'threads'>;
  /** Gives the bytes of a module, by its file. */
  read(file: ModuleFile): Promise<Uint8Array<ArrayBuffer>>;
}

/** @throws Error that says why WebAssembly cannot be used here; ViTError `out-of-memory` */
export async function openCpu({ read, manifest, options, ...others }: CpuOptions): Promise<Backend> {
  const simd = supportedSimd();
  if (simd === 'none') throw new Error('this browser has no WebAssembly SIMD');
  const file: ModuleFile = `cpu-${simd}.wasm`;
  const moduleFor = async (isShared: boolean) => {
    const key = `${file} ${isShared}`;
    const known = modules.get(key);
    if (known) return known;
    const bytes = await read(file);
    const module = await WebAssembly.compile(isShared ? forSharedMemory(bytes) : bytes);
    modules.set(key, module);
    return module;
  };
  const { dtype = 'auto', threads } = options;
  const fewBits = dtype === 'auto' ? bitsOfTensors(manifest.tensors) : {};
  return WasmBackend.create({ ...others, threads, fewBits, moduleFor, simd });
}
