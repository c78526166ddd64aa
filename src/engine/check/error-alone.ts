/**
 * How wrong a kernel is that runs alone, on made-up numbers, against a few rows that the CPU computes of the same steps.
 */
import type { Gpu } from '../../gpu/device.ts';
import type { InputName, Plan, Step } from '../../model/plan.ts';
import type { Network } from '../run/network.ts';
import type { WeightBuffers } from '../run/weight-buffers.ts';
import { madeUp, piecesOf, planAlone, relativeError } from './step-alone.ts';
import { type Given, type Sample, sampleSteps } from './step-sample.ts';

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
