/**
 * A model on the CPU: on the kernels of the annex or, where they cannot be had or WebAssembly is refused, in plain TypeScript: the
 * same numbers, some 20 times later.
 */
import type { Backend } from '../backend.ts';
import type { ModelOnCpu } from '../cpu/model-on-cpu.ts';
import { ViTError } from '../error.ts';
import { pixelsOf } from '../image/model-pixels.ts';
import { extrasFor } from '../model/outputs.ts';
import { VERSION } from '../version.ts';
import { type Candidate, destroyOnError, type Loading, wantsF16 } from './candidate.ts';
import { unlessMissing } from './check/proof.ts';
import { kindsOfSteps } from './check/step-kinds.ts';

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
    const { annexes, fill, signal, warn } = this.#loading;
    const fast = await this.#openFast();
    if (fast) {
      // Whoever waits for weights can check kernels meanwhile.
      const work = () => Promise.all([this.#wrongKernel(fast), fill(fast)]);
      const [wrong] = await destroyOnError(fast, signal, work);
      if (!wrong) return this.#keep(fast);
      fast.destroy();
      warn(slowBecause(wrong));
    }
    const slow = new (await annexes.need('reference')).ReferenceBackend(this.#model);
    await destroyOnError(slow, signal, () => fill(slow));
    return this.#keep(slow);
  }

  disableF16(): boolean {
    this.#f16IsDisabled = true;
    return this.#last?.storage === 'f16';
  }

  /** @returns null where it cannot be had, after a warning */
  async #openFast(): Promise<Backend | null> {
    const { annexes, warn } = this.#loading;
    const annex = await annexes.find('cpu');
    if (!annex) return null;
    try {
      const storage = wantsF16(this.#loading) && !this.#f16IsDisabled ? 'f16' : 'f32';
      return await annex.openCpu({ ...this.#loading, ...this.#model, storage });
    } catch (error) {
      if (error instanceof ViTError && error.code === 'out-of-memory') throw error;
      // An annex that is missing has been warned of.
      if (!(error instanceof ViTError && error.code === 'network')) warn(slowBecause(error as Error));
      return null;
    }
  }

  /** Once per browser and code. @returns an error that names it; null where all are right */
  async #wrongKernel(backend: Backend): Promise<Error | null> {
    const { findings, plan } = this.#loading;
    const about = [
      ...['kernels of the CPU', globalThis.navigator?.userAgent, VERSION],
      ...[backend.variant, kindsOfSteps(plan)],
    ];
    if (await findings.read(about)) return null;
    const checks = await unlessMissing(backend.check!());
    const wrong = checks?.find(({ passed }) => !passed);
    if (wrong) return new Error(`kernel ${wrong.kernel} gives wrong results here (${wrong.step})`);
    if (checks) await findings.write(about, true);
    return null;
  }

  #keep(backend: Backend): Backend {
    this.#last = backend;
    return backend;
  }
}

function slowBecause({ name, message }: Error): string {
  const refused = name === 'CompileError' && /unsafe|Content.Security/i.test(message);
  const remedy = refused ? ` Allow 'wasm-unsafe-eval' in the page's Content Security Policy.` : '';
  return `The model runs without WebAssembly, some 20 times slower: ${message}.${remedy}`;
}
