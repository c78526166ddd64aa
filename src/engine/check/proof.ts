/**
 * Is this GPU right? First every kernel alone, so that a wrong one has a name; then the whole model against its golden.
 * What was found right once is not asked again: kernels per GPU, browser and code, golden and pictures per model as well.
 */
import type { Backend } from '../../backend.ts';
import { ViTError } from '../../error.ts';
import { variantName } from '../../gpu/kernel.ts';
import { pixelsOf } from '../../image/model-pixels.ts';
import type { EngineOptions, KernelCheck } from '../../interface.ts';
import type { Plan } from '../../model/plan.ts';
import type { Findings } from '../../weights/findings.ts';
import type { LoadedManifest } from '../../weights/manifest.ts';
import type * as oracle from './oracle.ts';
import { replayGolden } from './self-test.ts';
import type { Tower } from './tower.ts';

/** A backend whose hardware and driver can be wrong. */
export interface Provable extends Backend {
  check(): Promise<KernelCheck[]>;
  readonly resizesOnGpu: boolean;
  resizeOnCpu(): Promise<void>;
}

export interface Proving {
  manifest: LoadedManifest;
  plan: Plan;
  tower: Tower;
  options: EngineOptions;
  findings: Findings;
  annexes: { need(name: 'reference'): Promise<typeof oracle> };
  warn(message: string): void;
}

export class Proof {
  readonly #proving: Proving;
  readonly #ofKernels: unknown;
  readonly #ofModel: unknown;
  #kernelsAreRight = false;

  /** @param code GPU, browser and shaders, as JSON */
  constructor(proving: Proving, code: unknown) {
    const { manifest, options } = proving;
    const { shards, golden, preprocess } = manifest;
    this.#proving = proving;
    this.#ofKernels = ['kernels', code];
    this.#ofModel = ['model', code, shards, golden, preprocess, options.dtype];
  }

  /** Variants of kernels that were found wrong by an earlier load, by `variantName`. */
  async disabledBefore(): Promise<string[]> {
    const found = await this.#proving.findings.read(this.#ofKernels);
    this.#kernelsAreRight = Array.isArray(found);
    return Array.isArray(found) ? found.filter((name) => typeof name === 'string') : [];
  }

  /**
   * @param disabled variants that `backend` does without, by `variantName`
   * @returns the variants that give wrong results and have a simpler kernel to replace them, by `variantName`
   * @throws ViTError `numeric`, naming a kernel that nothing can replace
   */
  async wrongVariants(backend: Provable, disabled: ReadonlySet<string>): Promise<string[]> {
    if (this.#kernelsAreRight) return [];
    const checks = await unlessMissing(backend.check());
    if (!checks) return [];
    const wrong = checks.filter(({ passed }) => !passed);
    const last = wrong.find((check) => {
      const name = variantName(check);
      return name === null || disabled.has(name);
    });
    if (last) throw wrongKernel(last);
    const names = [...new Set(wrong.map((check) => variantName(check)!))];
    for (const name of names) {
      this.#proving.warn(`Kernel ${name} gives wrong results on this GPU; a simpler one takes its place.`);
    }
    if (names.length === 0) await this.#proving.findings.write(this.#ofKernels, [...disabled]);
    return names;
  }

  /**
   * Whether all kernels together give the manifest's golden, and pictures reach the network as they should: where they do
   * not, the CPU resizes them from now on.
   * @throws ViTError `numeric`
   */
  async checkModel(backend: Provable): Promise<void> {
    const { manifest, plan, tower, options, findings, annexes, warn } = this.#proving;
    if (await findings.read(this.#ofModel)) return;
    const replay = tower.golden();
    if (replay) {
      const { passed, maxError, tolerance } = await replayGolden(backend, replay, options.dtype);
      if (!passed) {
        const size = `off by ${maxError}, allowed ${tolerance}`;
        throw new ViTError('numeric', `The network gives wrong results on this GPU: its golden is ${size}.`);
      }
    }
    if (backend.resizesOnGpu) {
      const oracle = await unlessMissing(annexes.need('reference'));
      if (!oracle) return;
      const onCpu = pixelsOf(manifest.preprocess, plan.architecture.channels);
      if (!(await oracle.resizesRightly(backend, plan, onCpu))) {
        await backend.resizeOnCpu();
        warn('This GPU resizes pictures wrongly; the CPU does it instead.');
        return;
      }
    }
    await findings.write(this.#ofModel, true);
  }
}

/** What a check found; null where the annex that it needs cannot be had, which was warned of. It is not kept: it may be there next time. */
export async function unlessMissing<T>(check: Promise<T>): Promise<T | null> {
  try {
    return await check;
  } catch (error) {
    if ((error as ViTError).code === 'network') return null;
    throw error;
  }
}

export function wrongKernel({ kernel, step }: KernelCheck): ViTError {
  return new ViTError('numeric', `Kernel ${kernel} gives wrong results on this GPU (${step}).`);
}
