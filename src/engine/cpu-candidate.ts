/**
 * A model on the CPU: on the kernels of the annex or, where they cannot be had or WebAssembly is refused, in plain TypeScript: the
 * same numbers, some 20 times later.
 */
import type { Backend } from '../backend.ts';
import type { ModelOnCpu } from '../cpu/model-on-cpu.ts';
import { pixelsOf } from '../image/model-pixels.ts';
import { extrasFor } from '../model/outputs.ts';
import { type Candidate, destroyOnError, type Loading, wantsF16 } from './candidate.ts';

export class CpuCandidate implements Candidate {
  readonly canReopen = true;
  readonly #loading: Loading;
  readonly #model: ModelOnCpu;
  #f16IsDisabled = false;
  #last: Backend | null = null;

  constructor(loading: Loading) {
    const { architecture } = loading.plan;
    const { tower } = loading;
    this.#loading = loading;
    this.#model = {
      planOf: (wanted) => tower.planWith(extrasFor(wanted, architecture.depth)),
      pixelsOf: pixelsOf(loading.manifest.preprocess, architecture.channels),
    };
  }

  async open(): Promise<Backend> {
    const { annexes, fill, signal } = this.#loading;
    const storage = wantsF16(this.#loading) && !this.#f16IsDisabled ? 'f16' : 'f32';
    const fast = await (await annexes.find('cpu'))?.openFastCpu(this.#loading, this.#model, storage);
    if (fast) return this.#keep(fast);
    const slow = new (await annexes.need('reference')).ReferenceBackend(this.#model);
    await destroyOnError(slow, signal, () => fill(slow));
    return this.#keep(slow);
  }

  disableF16(): boolean {
    this.#f16IsDisabled = true;
    return this.#last?.storage === 'f16';
  }

  #keep(backend: Backend): Backend {
    this.#last = backend;
    return backend;
  }
}
