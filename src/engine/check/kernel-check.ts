/**
 * Which kernel gives wrong results on this GPU: each kernel of a network runs once, alone, on made-up numbers, and the
 * CPU computes a few rows of the same step. The pipeline is the network's own, so nothing is compiled for the check.
 * Whether the model as a whole is right, the golden shows.
 */
import { Buffers } from '../../gpu/buffers.ts';
import type { Gpu } from '../../gpu/device.ts';
import { DEFAULT_TOLERANCE, kernelKey } from '../../gpu/kernel.ts';
import type { Pipelines } from '../../gpu/pipelines.ts';
import type { KernelCheck } from '../../interface.ts';
import type { Plan } from '../../model/plan.ts';
import { Network } from '../run/network.ts';
import { type Dispatch, dispatchesOf, type ProgramConfig } from '../run/program.ts';
import type { Schedule } from '../run/schedule.ts';
import { WeightBuffers } from '../run/weight-buffers.ts';
import type { Alone } from './error-alone.ts';
import type * as oracle from './oracle.ts';

export type Oracle = typeof oracle;

export class KernelChecker {
  readonly #gpu: Gpu;
  readonly #pipelines: Pipelines;
  readonly #needOracle: () => Promise<Oracle>;
  /** Keys of the kernels that gave right results. */
  readonly #right = new Set<string>();

  /** @param needOracle rejects with a ViTError `network` where it cannot be had */
  constructor(gpu: Gpu, pipelines: Pipelines, needOracle: () => Promise<Oracle>) {
    this.#needOracle = needOracle;
    this.#gpu = gpu;
    this.#pipelines = pipelines;
  }

  /**
   * @returns one for each kernel of the network that is not known to be right, in the order of its dispatches
   * @throws ViTError `network` where there is nothing to compare with
   */
  async check({ plan, schedules }: Network): Promise<KernelCheck[]> {
    const checks: KernelCheck[] = [];
    for (const schedule of schedules) checks.push(...(await this.checkSchedule(plan, schedule)));
    return checks;
  }

  async checkSchedule(plan: Plan, { program, config }: Schedule): Promise<KernelCheck[]> {
    const checks: KernelCheck[] = [];
    const seen = new Set<string>();
    for (const dispatch of dispatchesOf(program)) {
      const key = kernelKey(dispatch.kernel);
      if (this.#right.has(key) || seen.has(key)) continue;
      seen.add(key);
      const check = await this.#checkDispatch(dispatch, plan, config);
      if (check.passed) this.#right.add(key);
      checks.push(check);
    }
    return checks;
  }

  /** Forgets what is known to be right, so that the next `check` covers everything. */
  forget(): void {
    this.#right.clear();
  }

  async #checkDispatch({ steps, label, kernel }: Dispatch, whole: Plan, config: ProgramConfig): Promise<KernelCheck> {
    const { errorAlone } = await this.#needOracle();
    const error = await errorAlone(steps, whole, this.#gpu, (plan) => this.#open(plan, config), config.few?.bitsOf);
    const { name, variant, tolerance = DEFAULT_TOLERANCE } = kernel;
    return { kernel: name, ...(variant && { variant }), step: label, passed: error <= tolerance, error };
  }

  #open(plan: Plan, config: ProgramConfig): Alone {
    const { device } = this.#gpu;
    const buffers = new Buffers(device);
    const weights = new WeightBuffers(device, buffers);
    const network = new Network(this.#gpu, plan, this.#pipelines, weights, { one: config, many: config });
    const destroy = () => {
      network.destroy();
      buffers.destroy();
    };
    return { network, weights, destroy };
  }
}
