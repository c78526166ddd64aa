/**
 * The fastest way to compute a model on this CPU that its browser allows.
 */
import type { Backend } from '../backend.ts';
import type { EngineOptions, KernelCheck } from '../interface.ts';
import type { Plan } from '../model/plan.ts';
import type { Manifest } from '../weights/manifest.ts';
import { bitsOfTensors } from '../weights/tensor-bits.ts';
import type { ModelOnCpu } from './model-on-cpu.ts';
import { forSharedMemory } from './shared-memory.ts';
import { supportedSimd } from './simd.ts';
import { WasmBackend, type WasmOptions } from './wasm-backend.ts';

type ModuleFile = 'cpu-plain.wasm' | 'cpu-relaxed.wasm';

/** Of this thread: the next model needs no other. */
const modules = new Map<string, WebAssembly.Module>();

export interface CpuOptions extends Pick<WasmOptions, keyof ModelOnCpu | 'storage' | 'warn' | 'rest'> {
  /** Of an ordinary run. */
  plan: Plan;
  manifest: Pick<Manifest, 'tensors'>;
  /** What stays in few bits is widened where the caller asks for another format than that of the files. */
  options: Pick<EngineOptions, 'dtype' | 'threads'>;
  /** Files of the library. */
  annexes: {
    bytes(file: ModuleFile): Promise<Uint8Array<ArrayBuffer>>;
    address(file: 'cpu.js'): string;
    need(name: 'reference'): Promise<{ checkOnCpu(plan: Plan, ...given: Checked): Promise<KernelCheck[]> }>;
  };
}

type Checked = Parameters<WasmOptions['check']>;

/** On their way before it is known what they are for. */
export function fetchKernels(annexes: Pick<CpuOptions['annexes'], 'bytes'>): void {
  const simd = supportedSimd();
  if (simd !== 'none' && modules.size === 0) annexes.bytes(`cpu-${simd}.wasm`).catch(() => {});
}

/** @throws Error that says why WebAssembly cannot be used here; ViTError `out-of-memory` */
export async function openCpu({ annexes, plan, manifest, options, ...others }: CpuOptions): Promise<Backend> {
  const simd = supportedSimd();
  if (simd === 'none') throw new Error('this browser has no WebAssembly SIMD');
  const file: ModuleFile = `cpu-${simd}.wasm`;
  const moduleFor = async (isShared: boolean) => {
    const key = `${file} ${isShared}`;
    const known = modules.get(key);
    if (known) return known;
    const bytes = await annexes.bytes(file);
    const module = await WebAssembly.compile(isShared ? forSharedMemory(bytes) : bytes);
    modules.set(key, module);
    return module;
  };
  const { dtype = 'auto', threads } = options;
  const fewBits = dtype === 'auto' ? bitsOfTensors(manifest.tensors) : {};
  return WasmBackend.create({
    ...others,
    ...{ threads, fewBits, moduleFor, simd },
    script: annexes.address('cpu.js'),
    check: async (...given) => (await annexes.need('reference')).checkOnCpu(plan, ...given),
  });
}
