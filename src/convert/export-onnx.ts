/**
 * A model as an ONNX file: the plan, step by step, with the weights embedded. For other runtimes, and an oracle: a
 * runtime that shares no line with this library must compute the same from it.
 */
import { ViTError } from '../error.ts';
import { extrasFor, type OutputName } from '../model/outputs.ts';
import { type Plan, type PlanOutput, planViT } from '../model/plan.ts';
import { planText } from '../model/plan-text.ts';
import type { Manifest, ParsedManifest } from '../weights/manifest.ts';
import { TensorAssembler } from '../weights/tensor-assembler.ts';
import { encodeModel, type Pieces } from './onnx/encode-model.ts';
import { exportStep } from './onnx/export-step.ts';
import { Exporter, INPUTS, type TensorLookup } from './onnx/exporter.ts';
import { OnnxGraph } from './onnx/graph.ts';

export interface OnnxOptions {
  /** Which network of the model; default `image`. */
  tower?: 'image' | 'text';
  /** What the file computes. Default: the logits, else the embedding, else the tokens: the first that there is. */
  outputs?: OutputName[];
}

/**
 * The file takes `pixel_values` `[batch, C, H, W]`, normalised; the text tower's takes `input_ids` `[batch, T]` and
 * `ends` `[batch]`, which names the token that ends each text. Any batch; f32 whatever the dtype of the shards is.
 * Outputs have the library's names and shapes.
 *
 * @param tensor weights by canonical name; what it returns becomes part of the result and must not change
 * @returns the file in pieces
 * @throws ViTError `unsupported-model` naming a step for which there is no ONNX; `bad-input` for an output or a tower that
 *   the model does not have
 */
export function exportOnnx(
  { name, architecture }: Pick<ParsedManifest, 'name' | 'architecture'>,
  tensor: TensorLookup,
  { tower = 'image', outputs }: OnnxOptions = {},
): Pieces {
  const plan =
    tower === 'text' ? textPlan() : planViT(architecture, extrasFor({ outputs: outputs ?? [] }, architecture.depth));
  const graph = new OnnxGraph();
  addInputs(graph, plan);
  const exporter = new Exporter(graph, plan, tensor);
  for (const step of plan.steps) exportStep(exporter, step);
  const there = Object.keys(plan.outputs) as OutputName[];
  const preferred = (['logits', 'embedding', 'tokens'] as const).filter((output) => there.includes(output));
  for (const output of outputs ?? preferred.slice(0, 1)) {
    const described = plan.outputs[output];
    if (!described) throw new ViTError('bad-input', `${name} computes no "${output}", but ${there.join(', ')}.`);
    addOutput(exporter, output, described);
  }
  graph.prune();
  return encodeModel(graph, name);

  function textPlan(): Plan {
    if (!architecture.text) throw new ViTError('bad-input', `${name} has no text tower.`);
    return planText(architecture, architecture.text);
  }
}

function addInputs(graph: OnnxGraph, { inputs, architecture }: Plan): void {
  const { channels, imageSize } = architecture;
  if (inputs.pixels) graph.inputs.push({ name: INPUTS.pixels, shape: ['batch', channels, ...imageSize] });
  if (inputs.ids) graph.inputs.push({ name: INPUTS.ids, shape: ['batch', inputs.ids], integers: true });
  if (inputs.ends) graph.inputs.push({ name: INPUTS.ends, shape: ['batch'], integers: true });
}

/** Under the output's own name, which no node has: those are named after steps. Several values lie along a new axis. */
function addOutput(exporter: Exporter, output: OutputName, { values, shape }: PlanOutput): void {
  const { graph } = exporter;
  const whole = graph.integers(-1, ...shape);
  if (values.length === 1) graph.node(output, 'Reshape', [exporter.value(values[0]), whole]);
  else {
    const each = graph.integers(-1, 1, ...shape.slice(1));
    const parts = values.map((value) => graph.node(`${output}/${value}`, 'Reshape', [exporter.value(value), each]));
    graph.node(output, 'Concat', parts, { axis: 1 });
  }
  graph.outputs.push({ name: output, shape: ['batch', ...shape] });
}

/** Every tensor of a model, whole, from its shards in their order. */
export async function readTensors(
  manifest: Pick<Manifest, 'tensors' | 'shards'>,
  shards: AsyncIterable<Uint8Array<ArrayBuffer>> | Iterable<Uint8Array<ArrayBuffer>>,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const tensors = new Map<string, Float32Array<ArrayBuffer>>();
  const assembler = new TensorAssembler(manifest, ({ name, length, first, data }) => {
    if (!tensors.has(name)) tensors.set(name, new Float32Array(length));
    tensors.get(name)!.set(data, first);
  });
  for await (const shard of shards) assembler.addShard(shard);
  return tensors;
}
