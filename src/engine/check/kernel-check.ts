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
import { fieldsOf } from '../../model/cost.ts';
import type { InputName, Plan, Step } from '../../model/plan.ts';
import { tensorShapes } from '../../model/tensors.ts';
import type { Choices } from '../choose/choices.ts';
import type { Activations } from '../run/activations.ts';
import { Network } from '../run/network.ts';
import { dispatchesOf } from '../run/program.ts';
import type { Schedule } from '../run/schedule.ts';
import { WeightBuffers } from '../run/weight-buffers.ts';
import { MadeUp, rowLength } from './made-up.ts';
import { type Given, type Sample, sampleSteps, valuesOf } from './step-sample.ts';

/** Rows of the token table: more cost memory and prove nothing more. */
const MAX_VOCABULARY = 64;
/** Elements of a weight that are generated at once. */
const PIECE = 1 << 18;

export class KernelChecker {
  readonly #gpu: Gpu;
  readonly #pipelines: Pipelines;
  /** Reused for each piece of a weight, so that no garbage piles up. */
  #memory = new Float32Array(0);
  /** Keys of the kernels that gave right results. */
  readonly #right = new Set<string>();

  constructor(gpu: Gpu, pipelines: Pipelines) {
    this.#gpu = gpu;
    this.#pipelines = pipelines;
  }

  /** @returns one for each kernel of the network that is not known to be right, in the order of its dispatches */
  async check({ plan, schedules }: Network): Promise<KernelCheck[]> {
    const checks: KernelCheck[] = [];
    for (const schedule of schedules) checks.push(...(await this.checkSchedule(plan, schedule)));
    return checks;
  }

  async checkSchedule(plan: Plan, { program, choices }: Schedule): Promise<KernelCheck[]> {
    const checks: KernelCheck[] = [];
    this.#memory = new Float32Array(PIECE);
    const seen = new Set<string>();
    for (const { steps, kernel } of dispatchesOf(program)) {
      const key = kernelKey(kernel);
      if (this.#right.has(key) || seen.has(key)) continue;
      seen.add(key);
      const check = await this.#checkSteps(steps, plan, choices);
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

  async #checkSteps(steps: readonly Step[], whole: Plan, choices: Choices): Promise<KernelCheck> {
    const plan = planAlone(steps, whole);
    const given = madeUp(steps, plan);
    const buffers = new Buffers(this.#gpu.device);
    const weights = new WeightBuffers(this.#gpu.device, buffers);
    const network = new Network(this.#gpu, plan, this.#pipelines, weights, { one: choices, many: choices });
    const { program } = network.schedule('one');
    try {
      await this.#gpu.checked('the weights of the self-test', () => weights.create(program));
      for (const [name, { numbers, shape }] of given.tensors) {
        const length = shape[0] * rowLength(shape);
        for (let first = 0; first < length; first += PIECE) {
          const data = this.#memory.subarray(0, Math.min(PIECE, length - first));
          weights.add({ name, length, first, data: numbers.fill(data, first) });
        }
      }
      await network.ready();
      const error = await this.#run(network, given, sampleSteps(steps, given));
      const { label } = steps[steps.length - 1];
      const { name, variant, tolerance = DEFAULT_TOLERANCE } = dispatchesOf(program)[0].kernel;
      return { kernel: name, ...(variant && { variant }), step: label, passed: error <= tolerance, error };
    } finally {
      network.destroy();
      buffers.destroy();
    }
  }

  /** @returns the error of what the GPU writes, against the sample */
  async #run(network: Network, { plan, values, inputs }: Given, sample: Sample): Promise<number> {
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
    return network.mapped(activations, () => relativeError(activations.padded(output), sample));
  }
}

/** One dispatch as a plan of its own, whose output is what it writes. */
function planAlone(steps: readonly Step[], { architecture, inputs, values }: Plan): Plan {
  const { text = null } = architecture;
  const vocabulary = Math.min(text?.vocabulary ?? 0, MAX_VOCABULARY);
  const { output } = steps[steps.length - 1];
  const { rows, columns } = values[output];
  return {
    architecture: { ...architecture, text: text && { ...text, vocabulary } },
    inputs,
    values: Object.fromEntries(valuesOf(steps, values).map((name) => [name, values[name]])),
    steps: [...steps],
    outputs: { hidden: { values: [output], shape: [rows, columns] } },
  };
}

/** Made-up values for everything that the steps read, and for what is in memory where they write. */
function madeUp(steps: readonly Step[], plan: Plan): Given {
  const shapes = tensorShapes(plan.architecture);
  const tensors: Given['tensors'] = new Map();
  for (const name of steps.flatMap(fieldsOf)) {
    const shape = shapes.get(name);
    if (shape && !tensors.has(name)) tensors.set(name, { numbers: MadeUp.tensor(tensors.size + 1, shape), shape });
  }
  const values: Given['values'] = new Map();
  // Twice as large, so that attention scores differ enough.
  for (const name of Object.keys(plan.values)) values.set(name, new MadeUp(values.size + 101, 2));
  const { pixels = 0, ids = 0 } = plan.inputs;
  const { vocabulary = 0 } = plan.architecture.text ?? {};
  const inputs: Given['inputs'] = {};
  for (const step of steps) {
    if (step.op === 'patchify' || step.op === 'unfold') inputs.pixels = new MadeUp(7, 1).piece(0, pixels);
    if (step.op === 'lookup') inputs.ids = Uint32Array.from({ length: ids }, (_, i) => (i * 29) % vocabulary);
    if (step.op === 'pick') inputs.ends = Uint32Array.of(plan.values[step.input].rows - 1);
  }
  return { plan, tensors, values, inputs };
}

/** Its exponential is 0. */
const HIDDEN = -1e38;

/** Relative to the largest value of the sample, or to 1. NaN anywhere is an infinite error. */
function relativeError(computed: ReturnType<Activations['padded']>, { rows, columns, data }: Sample): number {
  if (computed.data.some(Number.isNaN)) return Infinity;
  const { stride } = computed.columns;
  const places = columns.map((column) => computed.columns.at(column));
  let largest = 1;
  let error = 0;
  let at = 0;
  for (const row of rows) {
    for (const place of places) {
      const expected = data[at++];
      const actual = computed.data[row * stride + place];
      // Masked: WGSL has no infinity.
      if (expected === -Infinity && actual < HIDDEN) continue;
      largest = Math.max(largest, Math.abs(expected));
      error = Math.max(error, Math.abs(actual - expected));
    }
  }
  return error / largest;
}
