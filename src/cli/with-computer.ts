/**
 * The models that a command for many pictures computes with, in this process: on the CPU one in each of several threads, on
 * WebGPU one.
 */
import { type Computer, computerOf } from '../bulk/computer.ts';
import type { ViT } from '../index.ts';
import type { ComputeFlags } from './bulk-flags.ts';
import { importBuilt } from './command-files.ts';
import { asOurs, readModel } from './engine.ts';
import { provideWebGpu } from './node-webgpu.ts';
import type { Terminal } from './terminal.ts';

/** Pictures at once: more are no faster on a CPU, and photos are large. */
const BATCH = { cpu: 4, webgpu: 16 };

/** As the task of an output wants it. */
export type Wanted = Pick<Computer, 'task' | 'topK' | 'model'>;

export interface OpenComputer {
  computer: Computer;
  close(): void;
}

/** @throws ViTError of the library; `bad-input` when it is not built, `no-webgpu` where that is wanted and not to be had */
export async function openComputer(
  { task, topK, model }: Wanted,
  { backend, threads }: ComputeFlags,
  terminal: Terminal,
): Promise<OpenComputer> {
  const { loadViT }: typeof import('../node/index.ts') = await importBuilt('node', 'index.js');
  const onEvent = ({ message }: { message: string }) => terminal.warn(message);
  const vits: ViT[] = [];
  const close = () => {
    for (const vit of vits) vit.dispose();
  };
  try {
    if (backend === 'webgpu') {
      await provideWebGpu();
      // In this thread, where the GPU is.
      const options = { backend, worker: false, onEvent } as const;
      vits.push(await loadViT(await readModel(model.path), options).catch(asOurs));
    } else {
      // One after the other: each is held twice while it is loaded.
      for (let i = 0; i < threads; i++)
        vits.push(await loadViT(model.path, { backend, threads: 1, onEvent }).catch(asOurs));
    }
    return { computer: await computerOf(vits, { task, topK, model, batch: BATCH[backend] }), close };
  } catch (error) {
    close();
    throw error;
  }
}

export async function withComputer<T>(
  wanted: Wanted,
  flags: ComputeFlags,
  terminal: Terminal,
  use: (computer: Computer) => Promise<T>,
): Promise<T> {
  const { computer, close } = await openComputer(wanted, flags, terminal);
  try {
    return await use(computer);
  } finally {
    close();
  }
}
