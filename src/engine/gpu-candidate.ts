/**
 * A model on a GPU: the GPU is asked for, filled, and proven right before it answers. Kernels that it gets wrong are
 * replaced by simpler ones, which takes another start.
 */
import type { Backend } from '../backend.ts';
import { adapterInfo } from '../gpu/adapter.ts';
import type { Gpu } from '../gpu/device.ts';
import type { WeightStorage } from '../kernels/matmul.ts';
import { type Candidate, destroyOnError, type Loading, wantsF16 } from './candidate.ts';
import { Proof } from './check/proof.ts';
import { GpuBackend } from './gpu-backend.ts';

/** Milliseconds between requests for another GPU: its process may be starting again. */
const PAUSES = [100, 300, 600];

export class GpuCandidate implements Candidate {
  readonly canReopen: boolean;
  readonly #loading: Loading;
  readonly #request: () => Promise<Gpu>;
  /** Variants of kernels that this GPU computes wrongly, by `variantName`. */
  readonly #disabled = new Set<string>();
  #last: GpuBackend | null = null;

  /** @param request a new one each time */
  constructor(loading: Loading, request: () => Promise<Gpu>, canReopen: boolean) {
    this.#loading = loading;
    this.#request = request;
    this.canReopen = canReopen;
  }

  async open(again = false): Promise<Backend> {
    for (let gpu = await (again ? this.#requestAgain() : this.#request()); ; gpu = await this.#request()) {
      const code = this.#codeOn(gpu);
      const proof = new Proof(this.#loading, code);
      for (const name of await proof.disabledBefore()) this.#disabled.add(name);
      const backend = await this.#create(gpu, code);
      const wrong = await this.#complete(backend, proof);
      if (wrong.length === 0) {
        this.#last = backend;
        return backend;
      }
      // Simpler kernels may need their weights in another layout.
      backend.destroy();
      for (const name of wrong) this.#disabled.add(name);
    }
  }

  disableF16(): boolean {
    const variants = this.#last?.variants.filter((name) => name.includes('f16')) ?? [];
    for (const name of variants) this.#disabled.add(name);
    return variants.length > 0;
  }

  async #create(gpu: Gpu, code: unknown): Promise<GpuBackend> {
    const { plan, manifest, options, findings } = this.#loading;
    const subject = ['tuning', code];
    const tuned = { ...((await findings.read(subject)) as object) };
    return GpuBackend.create(gpu, plan, manifest.preprocess, {
      storage: this.#storageOn(gpu),
      halfOperands: options.dtype === 'f16',
      without: this.#disabled,
      tuned,
      onTuned: (batchClass, choices) => findings.write(subject, Object.assign(tuned, { [batchClass]: choices })),
    });
  }

  /** @returns the variants that must be replaced first, by `variantName`; with none of them `backend` is ready */
  #complete(backend: GpuBackend, proof: Proof): Promise<string[]> {
    const { fill, signal } = this.#loading;
    return destroyOnError(backend, signal, async () => {
      await fill(backend);
      const wrong = await proof.wrongVariants(backend, this.#disabled);
      if (wrong.length > 0) return wrong;
      await proof.checkModel(backend);
      await backend.warmUp();
      signal.throwIfAborted();
      return [];
    });
  }

  async #requestAgain(): Promise<Gpu> {
    for (const pause of PAUSES) {
      try {
        return await this.#request();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pause));
        this.#loading.signal.throwIfAborted();
      }
    }
    return this.#request();
  }

  /** f32 on a GPU without f16. */
  #storageOn({ device }: Gpu): WeightStorage {
    return wantsF16(this.#loading) && device.features.has('shader-f16') ? 'f16' : 'f32';
  }

  /** The same for a GPU, browser, architecture and version of the shaders: what was found out for it holds. */
  #codeOn(gpu: Gpu): unknown {
    const code = GpuBackend.codeFor(this.#loading.plan, this.#storageOn(gpu));
    return [globalThis.navigator?.userAgent, adapterInfo(gpu.info), code];
  }
}
