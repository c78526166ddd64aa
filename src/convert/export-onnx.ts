/**
 * A model as an ONNX file: the plan, step by step, with the weights embedded. For other runtimes, and an oracle: a
 * runtime that shares no line with this library must compute the same from it.
 */
import { ViTError } from '../error.ts';
import { type Plan, planViT, type ValueName } from '../model/plan.ts';
import type { Manifest } from '../weights/manifest.ts';
import { TensorAssembler } from '../weights/tensors.ts';
import { encodeModel, type Pieces } from './onnx/encode.ts';
import { OnnxGraph } from './onnx/graph.ts';
import { Exporter, PIXELS, type TensorLookup } from './onnx/steps.ts';

/**
 * The file takes `pixel_values` `[batch, C, H, W]`, normalised, for any batch, and gives f32 whatever the dtype of the
 * shards is.
 *
 * @param tensor weights by canonical name; what it returns becomes part of the result and must not change
 * @param outputs values of the plan that the file computes; default: the logits
 * @returns the file in pieces
 * @throws ViTError `unsupported-model` naming the step for which there is no ONNX; `bad-input` for an unknown output
 */
export function exportOnnx(
  { name, architecture }: Pick<Manifest, 'name' | 'architecture'>,
  tensor: TensorLookup,
  outputs: ValueName[] = ['logits'],
): Pieces {
  const plan = planViT(architecture);
  const graph = new OnnxGraph();
  const { channels, imageSize } = architecture;
  graph.inputs.push({ name: PIXELS, shape: ['batch', channels, ...imageSize] });
  const exporter = new Exporter(graph, plan, tensor);
  for (const step of plan.steps) exporter.add(step);
  for (const output of outputs) {
    const shape = shapeOf(plan, output);
    // Under its own name, which no node has: those are named after steps.
    graph.node(output, 'Identity', [exporter.value(output)]);
    graph.outputs.push({ name: output, shape });
  }
  graph.prune();
  return encodeModel(graph, name);
}

function shapeOf({ values }: Plan, output: ValueName): (number | string)[] {
  const value = values[output];
  if (!value)
    throw new ViTError('bad-input', `This model computes no "${output}", but ${Object.keys(values).join(', ')}.`);
  return value.rows > 1 ? ['batch', value.rows, value.columns] : ['batch', value.columns];
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
