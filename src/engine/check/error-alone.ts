/**
 * How wrong a kernel is that runs alone, on made-up numbers, against a few rows that the CPU computes of the same steps.
 */
import type { Columns } from '../../gpu/columns.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { InputName, Plan, Step } from '../../model/plan.ts';
import type { Network } from '../run/network.ts';
import type { WeightBuffers } from '../run/weight-buffers.ts';
import type { MadeUp } from './made-up.ts';
import { madeUp, piecesOf, planAlone, relativeError } from './step-alone.ts';
import { type Given, type Sample, sampleSteps } from './step-sample.ts';

/** Floats of a value that are made at once. */
const PIECE = 1 << 16;

/** A plan on the GPU, with room for its weights. */
export interface Alone {
  network: Network;
  weights: WeightBuffers;
  destroy(): void;
}

/**
 * @param steps of one dispatch of `whole`
 * @param open makes a plan of these steps alone, with the pipeline that the dispatch has
 * @param bitsOf of a tensor that stays in few bits
 * @returns of the largest value that is expected; infinite where there is no number
 */
export async function errorAlone(
  steps: readonly Step[],
  whole: Plan,
  gpu: Gpu,
  open: (plan: Plan) => Alone,
  bitsOf?: (tensor: string) => 8 | 4 | undefined,
): Promise<number> {
  const plan = planAlone(steps, whole);
  const given = madeUp(steps, plan, bitsOf);
  const { network, weights, destroy } = open(plan);
  try {
    const { program } = network.schedule('one');
    await gpu.checked('the weights of the self-test', () => weights.create(program));
    for (const piece of piecesOf(given)) weights.add(piece);
    await network.ready();
    return await run(network, gpu, given, sampleSteps(steps, given));
  } finally {
    destroy();
  }
}

async function run(
  network: Network,
  { device }: Gpu,
  { plan, values, inputs }: Given,
  sample: Sample,
): Promise<number> {
  const { columns } = network.schedule('one').program;
  const activations = await network.activationsFor(1);
  for (const [name, numbers] of values) {
    writeRows(device.queue, activations.values[name], numbers, plan.values[name].rows, columns[name]);
  }
  for (const [name, data] of Object.entries(inputs) as [InputName, Float32Array<ArrayBuffer>][]) {
    device.queue.writeBuffer(activations.inputs[name]!, 0, data);
  }
  const encoder = device.createCommandEncoder({ label: 'self-test' });
  network.record(encoder, activations, 1, ['hidden']);
  device.queue.submit([encoder.finish()]);
  const [output] = plan.outputs.hidden!.values;
  const { stride } = columns[output];
  return network.mapped(activations, () => {
    // There is no other output; behind its rows they are padded.
    const data = new Float32Array(activations.readback.getMappedRange(), 0, plan.values[output].rows * stride);
    // Wherever it is, and not only in the sample.
    if (data.some(Number.isNaN)) return Infinity;
    return relativeError((row, column) => data[row * stride + columns[output].at(column)], sample);
  });
}

/** Fills a value `[rows, columns]`, in the layout of its columns. */
function writeRows(queue: GPUQueue, buffer: GPUBuffer, numbers: MadeUp, rows: number, columns: Columns): void {
  const { count, stride } = columns;
  const places = Array.from({ length: count }, (_, i) => columns.at(i));
  const dense = new Float32Array(count);
  const most = Math.max(1, Math.floor(PIECE / stride));
  const padded = new Float32Array(most * stride);
  for (let first = 0; first < rows; first += most) {
    const piece = Math.min(most, rows - first);
    for (let row = 0; row < piece; row++) {
      numbers.fill(dense, (first + row) * count);
      for (const [i, place] of places.entries()) padded[row * stride + place] = dense[i];
    }
    queue.writeBuffer(buffer, first * stride * 4, padded, 0, piece * stride);
  }
}
