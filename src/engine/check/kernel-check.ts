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
import type { InputName, Plan, Step } from '../../model/plan.ts';
import type { KernelConfig } from '../choose/kernel-config.ts';
import { Network } from '../run/network.ts';
import { dispatchesOf } from '../run/program.ts';
import type { Schedule } from '../run/schedule.ts';
import { WeightBuffers } from '../run/weight-buffers.ts';
import type * as oracle from './oracle.ts';
import type { Given, Sample } from './step-sample.ts';

export type Oracle = typeof oracle;

/** Elements of a weight that are generated at once. */
const PIECE = 1 << 18;

export class KernelChecker {
  readonly #gpu: Gpu;
  readonly #pipelines: Pipelines;
  readonly #needOracle: () => Promise<Oracle>;
  /** Reused for each piece of a weight, so that no garbage piles up. */
  #memory = new Float32Array(0);
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
    this.#memory = new Float32Array(PIECE);
    const seen = new Set<string>();
    for (const { steps, kernel } of dispatchesOf(program)) {
      const key = kernelKey(kernel);
      if (this.#right.has(key) || seen.has(key)) continue;
      seen.add(key);
      const check = await this.#checkSteps(steps, plan, config);
      if (check.passed) this.#right.add(key);
      checks.push(check);
    }
    this.#memory = new Float32Array(0);
    return checks;
  }

  /** Forgets what is known to be right, so that the next `check` covers everything. */
  forget(): void {
    this.#right.clear();
  }

  async #checkSteps(steps: readonly Step[], whole: Plan, config: KernelConfig): Promise<KernelCheck> {
    const oracle = await this.#needOracle();
    const plan = oracle.planAlone(steps, whole);
    const given = oracle.madeUp(steps, plan, config.few?.bitsOf);
    const buffers = new Buffers(this.#gpu.device);
    const weights = new WeightBuffers(this.#gpu.device, buffers);
    const network = new Network(this.#gpu, plan, this.#pipelines, weights, { one: config, many: config });
    const { program } = network.schedule('one');
    try {
      await this.#gpu.checked('the weights of the self-test', () => weights.create(program));
      for (const [name, { numbers, shape, scales }] of given.tensors) {
        const length = shape[0] * oracle.rowLength(shape);
        for (let first = 0; first < length; first += PIECE) {
          const data = this.#memory.subarray(0, Math.min(PIECE, length - first));
          weights.add({ name, length, first, scales, data: numbers.fill(data, first) });
        }
      }
      await network.ready();
      const error = await this.#run(network, given, oracle.sampleSteps(steps, given), oracle);
      const { label } = steps[steps.length - 1];
      const { name, variant, tolerance = DEFAULT_TOLERANCE } = dispatchesOf(program)[0].kernel;
      return { kernel: name, ...(variant && { variant }), step: label, passed: error <= tolerance, error };
    } finally {
      network.destroy();
      buffers.destroy();
    }
  }

  /** @returns the error of what the GPU writes, against the sample */
  async #run(
    network: Network,
    { plan, values, inputs }: Given,
    sample: Sample,
    { relativeError }: Oracle,
  ): Promise<number> {
    const { device } = this.#gpu;
    const activations = await network.activationsFor(1);
    for (const [name, numbers] of values) {
      activations.write(device.queue, name, (row, first) => numbers.fill(row, first));
    }
    for (const [name, data] of Object.entries(inputs) as [InputName, Float32Array<ArrayBuffer>][]) {
      device.queue.writeBuffer(activations.inputs[name]!, 0, data);
    }
    const encoder = device.createCommandEncoder({ label: 'self-test' });
    network.record(encoder, activations, 1, ['hidden']);
    device.queue.submit([encoder.finish()]);
    const [output] = plan.outputs.hidden!.values;
    return network.mapped(activations, () => {
      const { data, columns } = activations.padded(output);
      // Wherever it is, and not only in the sample.
      if (data.some(Number.isNaN)) return Infinity;
      return relativeError((row, column) => data[row * columns.stride + columns.at(column)], sample);
    });
  }
}
