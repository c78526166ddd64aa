/**
 * Is this GPU right? First every kernel alone, so that a wrong one has a name; then the whole model against its golden.
 */
import type { Backend } from '../../backend.ts';
import { ViTError } from '../../error.ts';
import { variantName } from '../../gpu/kernel.ts';
import type { EngineOptions, KernelCheck } from '../../interface.ts';
import type { Plan } from '../../model/plan.ts';
import type { Manifest } from '../../weights/manifest.ts';
import { checkPicture, replayGolden } from './self-test.ts';

/** A backend whose hardware and driver can be wrong. */
export interface Provable extends Backend {
  check(): Promise<KernelCheck[]>;
  readonly resizesOnGpu: boolean;
  resizeOnCpu(): Promise<void>;
}

export interface Proving {
  manifest: Manifest;
  plan: Plan;
  /** Whether the manifest's golden is of this model. */
  hasGolden: boolean;
  options: EngineOptions;
  warn(message: string): void;
}

/**
 * @param disabled what was found wrong before, by `variantName`
 * @returns the variants of kernels that give wrong results and have a simpler kernel to replace them, by `variantName`
 * @throws ViTError `numeric`, naming a kernel that nothing can replace
 */
export async function wrongVariants(
  backend: Provable,
  disabled: ReadonlySet<string>,
  warn: (message: string) => void,
): Promise<string[]> {
  const wrong = (await backend.check()).filter(({ passed }) => !passed);
  const last = wrong.find((check) => {
    const name = variantName(check);
    return name === null || disabled.has(name);
  });
  if (last) throw wrongKernel(last);
  const names = [...new Set(wrong.map((check) => variantName(check)!))];
  for (const name of names) warn(`Kernel ${name} gives wrong results on this GPU; a simpler one takes its place.`);
  return names;
}

export function wrongKernel({ kernel, step }: KernelCheck): ViTError {
  return new ViTError('numeric', `Kernel ${kernel} gives wrong results on this GPU (${step}).`);
}

/**
 * Whether all kernels together give the manifest's golden, and pictures reach the network as they should. Where they do
 * not, the CPU resizes them from now on.
 * @returns whether the GPU did everything right
 * @throws ViTError `numeric`
 */
export async function checkModel(backend: Provable, proving: Proving): Promise<boolean> {
  const { manifest, plan, hasGolden, options, warn } = proving;
  if (hasGolden) {
    const { passed, maxError, tolerance } = await replayGolden(backend, manifest, plan, options.dtype);
    if (!passed) {
      const size = `off by ${maxError}, allowed ${tolerance}`;
      throw new ViTError('numeric', `The network gives wrong results on this GPU: its golden is ${size}.`);
    }
  }
  if (!backend.resizesOnGpu || (await checkPicture(backend, manifest, plan)).passed) return true;
  await backend.resizeOnCpu();
  warn('This GPU resizes pictures wrongly; the CPU does it instead.');
  return false;
}
