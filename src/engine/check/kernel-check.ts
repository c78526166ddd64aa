/**
 * Which kernel gives wrong results on this GPU: each kernel of a network runs once, alone, on made-up numbers, and the
 * CPU computes a few rows of the same step. The pipeline is the network's own, so nothing is compiled for the check.
 * Whether the model as a whole is right, the golden shows.
 */
import type { Gpu } from '../../gpu/device.ts';
import { DEFAULT_TOLERANCE, kernelKey } from '../../gpu/kernel.ts';
import type { KernelCheck } from '../../interface.ts';
import type { Plan } from '../../model/plan.ts';
import { dispatchesOf, type ProgramConfig } from '../run/program.ts';
import type { Schedule } from '../run/schedule.ts';
import { type Alone, errorAlone } from './error-alone.ts';

export interface KernelChecking {
  gpu: Gpu;
  plan: Plan;
  schedules: readonly Schedule[];
  /** Keys of kernels that are known to be right: they are left out, and those that are found right are added. */
  right: Set<string>;
  /** Makes a plan of a few steps, with the pipelines that the network has. */
  open(plan: Plan, config: ProgramConfig): Alone;
}

/** @returns one for each kernel that is not known to be right, in the order of its dispatches */
export async function checkKernels({ gpu, plan, schedules, right, open }: KernelChecking): Promise<KernelCheck[]> {
  const checks: KernelCheck[] = [];
  for (const { program, config } of schedules) {
    const seen = new Set<string>();
    for (const { steps, label, kernel } of dispatchesOf(program)) {
      const key = kernelKey(kernel);
      if (right.has(key) || seen.has(key)) continue;
      seen.add(key);
      const error = await errorAlone(steps, plan, gpu, (alone) => open(alone, config), config.few?.bitsOf);
      const { name, variant, tolerance = DEFAULT_TOLERANCE } = kernel;
      const passed = error <= tolerance;
      if (passed) right.add(key);
      checks.push({ kernel: name, ...(variant && { variant }), step: label, passed, error });
    }
  }
  return checks;
}
