/**
 * One way to compute a model, and what it is given to do so.
 */
import type { Annexes } from '../annexes/annexes.ts';
import type { Backend } from '../backend.ts';
import { ViTError } from '../error.ts';
import type { EngineOptions } from '../interface.ts';
import type { Plan } from '../model/plan.ts';
import type { Findings } from '../weights/findings.ts';
import type { LoadedManifest } from '../weights/manifest.ts';
import type { Tower } from './check/tower.ts';

/** A model that is being loaded, as a candidate sees it. */
export interface Loading {
  manifest: LoadedManifest;
  /** Of an ordinary run of the tower. */
  plan: Plan;
  tower: Tower;
  options: EngineOptions;
  annexes: Annexes;
  findings: Findings;
  /** Aborted when the model is disposed. */
  signal: AbortSignal;
  /** Adds all weights to a backend and compiles it. Called again when a backend is made anew. */
  fill(backend: Backend): Promise<void>;
  warn(message: string): void;
  /** Asked now and then while the CPU computes, which goes on when what it gives has ended. */
  rest?(): Promise<void> | undefined;
}

/** Whether weights are to be kept in f16: where the files hold it, so that nothing is lost, or where the caller asks for it. */
export function wantsF16({ options, manifest }: Loading): boolean {
  const { dtype = 'auto' } = options;
  const isHalf = Object.values(manifest.tensors).some((tensor) => tensor.dtype === 'f16');
  return dtype === 'f16' || (dtype === 'auto' && isHalf);
}

/** It lives as long as the model, and keeps what was found out about its hardware. */
export interface Candidate {
  /** Whether another backend can be opened when one is lost: not on a device that is the caller's. */
  readonly canReopen: boolean;
  /**
   * A backend that is filled, gives right results, and is ready for the first call.
   * @param again after a loss, when the hardware may need a moment until it is back
   * @throws ViTError `no-webgpu` where there is no such hardware, `numeric` where it gives wrong results: then the next
   *   candidate is tried; any other error ends the load. Nothing stays allocated.
   */
  open(again?: boolean): Promise<Backend>;
  /** From the next backend on nothing is computed in f16. @returns whether the last one did so */
  disableF16?(): boolean;
}

/** What `work` returns; when it throws, nothing of `backend` is left, and a loss has the code of one. */
export async function destroyOnError<T>(backend: Backend, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isLost = !signal.aborted && (await backend.isLost(error));
    backend.destroy();
    if (!isLost || (error as ViTError).code === 'device-lost') throw error;
    throw new ViTError('device-lost', 'The model was lost while it was loading.', { cause: error });
  }
}
