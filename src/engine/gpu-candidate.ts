/**
 * A model on a GPU: the GPU is asked for, filled, and proven right before it answers. Kernels that it gets wrong are
 * replaced by simpler ones, which takes another start.
 */
import type { Backend } from '../backend.ts';
import { ViTError } from '../error.ts';
import { adapterInfo } from '../gpu/adapter.ts';
import type { Gpu } from '../gpu/device.ts';
import type { WeightStorage } from '../kernels/matmul.ts';
import { VERSION } from '../version.ts';
import { scaleBytes } from '../weights/manifest.ts';
import { type Candidate, destroyOnError, type Loading, wantsF16 } from './candidate.ts';
import { Proof } from './check/proof.ts';
import { F16_VARIANTS, type WeightsOfFewBits } from './choose/kernel-config.ts';
import { GpuBackend, type GpuBackendOptions } from './gpu-backend.ts';
import { type FamilySteps, needsFamilySteps } from './run/program.ts';

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
      const options = await this.#optionsFor(gpu).catch((error) => {
        gpu.destroy();
        throw error;
      });
      const proof = new Proof(this.#loading, this.#subjectOf(gpu, options));
      for (const name of await proof.disabledBefore()) this.#disabled.add(name);
      const { plan, manifest } = this.#loading;
      const backend = await GpuBackend.create(gpu, plan, manifest.preprocess, options);
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
    if (!this.#last) return false;
    const names = [...this.#last.variantsOf('f16'), ...(this.#last.storage === 'f16' ? F16_VARIANTS : [])];
    for (const name of names) this.#disabled.add(name);
    return names.length > 0;
  }

  async #optionsFor(gpu: Gpu): Promise<GpuBackendOptions> {
    const { findings, annexes, tower } = this.#loading;
    const storage = this.#storageOn(gpu);
    // What is known to be fast on software adapters is not among the simplest kernels, nor what tuning found.
    const [few, families] = await Promise.all([this.#findFew(), this.#families()]);
    const options = { storage, tower, few, families };
    const subject = ['tuning', this.#subjectOf(gpu, options)];
    const tuned = { ...((await findings.read(subject)) as object) };
    const isNeeded = adapterInfo(gpu.info).software || Object.keys(tuned).length > 0;
    return {
      ...options,
      disabled: this.#disabled,
      tuned,
      onTuned: (batchClass, found) => findings.write(subject, Object.assign(tuned, { [batchClass]: found })),
      annex: isNeeded ? await annexes.find('kernels') : null,
      needAnnex: () => annexes.need('kernels'),
      needTuning: () => annexes.need('tune'),
      needOracle: () => annexes.need('reference'),
      needFamilies: () => annexes.need('family-kernels'),
    };
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

  /** @throws ViTError `no-webgpu` where they cannot be had: the CPU needs none */
  async #families(): Promise<FamilySteps | undefined> {
    const { annexes, plan } = this.#loading;
    if (!needsFamilySteps(plan)) return undefined;
    return annexes.need('family-kernels').catch((cause) => {
      throw new ViTError('no-webgpu', (cause as Error).message, { cause });
    });
  }

  /** Where the caller wants no other format than that of the files. */
  async #findFew(): Promise<WeightsOfFewBits | undefined> {
    const { annexes, manifest, options } = this.#loading;
    const isWanted = (options.dtype ?? 'auto') === 'auto' && Object.values(manifest.tensors).some(scaleBytes);
    return isWanted ? (await annexes.find('few-bits'))?.weightsOf(manifest.tensors) : undefined;
  }

  /** f32 on a GPU without f16. */
  #storageOn({ capabilities }: Gpu): WeightStorage {
    return wantsF16(this.#loading) && capabilities.f16 ? 'f16' : 'f32';
  }

  /** The same for a GPU, browser, architecture and version of the shaders: what was found out for it holds. */
  #subjectOf(gpu: Gpu, options: GpuBackendOptions): unknown {
    const code = GpuBackend.codeFor(gpu, this.#loading.plan, options);
    // The code is of the simplest kernels: what tuning found is of other shaders, which change with the release.
    return [globalThis.navigator?.userAgent, adapterInfo(gpu.info), VERSION, code];
  }
}
