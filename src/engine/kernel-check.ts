/**
 * Which kernel computes something else than the CPU: a network of the model's kind, but of one small block, on both, one
 * step after the other. It says where a GPU errs; whether it errs with this very model, the golden says.
 */
import { Buffers } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/device.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { Architecture } from '../model/architecture.ts';
import { goldenPixels } from '../model/golden.ts';
import { type Plan, planViT, type Step } from '../model/plan.ts';
import { tensorShapes } from '../model/tensors.ts';
import { runReference } from '../reference/run.ts';
import type { KernelCheck } from '../worker/wire.ts';
import { Network } from './network.ts';
import { WeightBuffers } from './weight-buffers.ts';

/** Of the largest value of a step, or of 1: f32 errs by some 1e-6 in a network this small, a wrong kernel by far more. */
const TOLERANCE = 1e-4;

/** @returns the steps in order; those behind one that failed work on its wrong values */
export async function checkKernels(gpu: Gpu, architecture: Architecture): Promise<KernelCheck[]> {
  const small = shrink(architecture);
  const { plan, kept } = keepEveryStep(planViT(small));
  const tensors = new Map<string, Float32Array<ArrayBuffer>>();
  for (const [name, shape] of tensorShapes(small)) {
    const data = goldenPixels(tensors.size + 1, shape);
    // Sums of many products stay in a range in which no softmax is all or nothing.
    for (let i = 0; i < data.length; i++) data[i] *= 0.2;
    tensors.set(name, data);
  }
  const pixels = goldenPixels(0, [1, plan.inputs.pixels!]);

  const buffers = new Buffers(gpu.device);
  const weights = new WeightBuffers(gpu.device, buffers);
  const network = new Network(gpu, plan, new Pipelines(gpu.device), weights);
  let computed: Float32Array;
  try {
    await gpu.checked('the weights of the self-test', () => weights.create(network.program));
    for (const [name, data] of tensors) weights.add({ name, data, first: 0, length: data.length });
    await network.ready();
    const activations = await network.activationsFor(1);
    gpu.device.queue.writeBuffer(activations.inputs.pixels!, 0, pixels);
    const encoder = gpu.device.createCommandEncoder({ label: 'self-test' });
    network.record(encoder, activations, 1, ['hidden']);
    gpu.device.queue.submit([encoder.finish()]);
    computed = (await network.read(activations, 1, ['hidden'])).hidden!.data;
  } finally {
    network.destroy();
    buffers.destroy();
  }

  const names = network.program.actions.flatMap((action) => ('kernel' in action ? [action.kernel.name] : []));
  const checks: KernelCheck[] = [];
  let first = 0;
  runReference(
    plan,
    (name) => tensors.get(name)!,
    { pixels },
    1,
    (step, expected) => {
      if (kept.has(step)) return;
      const error = relativeError(computed.subarray(first, first + expected.length), expected);
      first += expected.length;
      checks.push({ kernel: names[checks.length], step: step.label, passed: error <= TOLERANCE, error });
    },
  );
  return checks;
}

/** One block on four patches, two heads; everything that decides which kernels there are stays. */
function shrink(architecture: Architecture): Architecture {
  const { patchSize, width, heads, mlpWidth, classes, representation = 0, projection = 0 } = architecture;
  const smallHeads = Math.min(heads, 2);
  const smallWidth = (width / heads) * smallHeads;
  return {
    ...architecture,
    imageSize: [2 * patchSize[0], 2 * patchSize[1]],
    width: smallWidth,
    heads: smallHeads,
    depth: 1,
    mlpWidth: Math.min(mlpWidth, 2 * smallWidth),
    classes: Math.min(classes, 10),
    representation: Math.min(representation, smallWidth),
    projection: Math.min(projection, smallWidth),
    text: null,
  };
}

/** A copy of what each step wrote, before a later one writes there too: all of them together are `hidden`. */
function keepEveryStep(plan: Plan): { plan: Plan; kept: Set<Step> } {
  const values = { ...plan.values };
  const kept = new Set<Step>();
  let floats = 0;
  const steps = plan.steps.flatMap((step, i) => {
    const copy: Step = { op: 'copy', label: `${step.label}/keep`, input: step.output, output: `step${i}` };
    values[copy.output] = values[step.output];
    floats += values[step.output].rows * values[step.output].columns;
    kept.add(copy);
    return [step, copy];
  });
  const hidden = { values: [...kept].map(({ output }) => output), shape: [floats] };
  return { plan: { ...plan, values, steps, outputs: { hidden } }, kept };
}

function relativeError(actual: Float32Array, expected: Float64Array): number {
  let largest = 1;
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const difference = Math.abs(actual[i] - expected[i]);
    // NaN is the largest error.
    if (!(difference <= error)) error = Number.isNaN(difference) ? Infinity : difference;
  }
  return error / largest;
}
