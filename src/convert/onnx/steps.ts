/**
 * Each step of a plan as ONNX nodes: one small function per op. The nodes are those that PyTorch's exporter writes, so
 * that a runtime's own fusions (GELU, bias into matmul) find what they look for.
 *
 * Values keep their dense shapes: `[batch, rows, columns]`, or `[batch, columns]` for one row per image; scores and
 * weights of attention are `[batch, heads, queries, keys]`.
 */
import { ViTError } from '../../error.ts';
import { patchFeatures, patchGrid } from '../../model/architecture.ts';
import type { Starts, Step, StepOf } from '../../model/plan.ts';
import { ACTIVATE } from './activations.ts';
import { learnedQuery, mix, scores, splitHeads } from './attention.ts';
import { type Exporter, INPUTS } from './exporter.ts';
import type { OnnxGraph } from './graph.ts';

/** @throws ViTError `unsupported-model` for an op that is not in the table */
export function exportStep(exporter: Exporter, step: Step): void {
  const write = STEPS[step.op] as ((exporter: Exporter, step: Step) => string) | undefined;
  if (!write) {
    throw new ViTError('unsupported-model', `${step.label}: the step "${step.op}" cannot be written as ONNX yet.`);
  }
  exporter.setValue(step.output, write(exporter, step));
}

/** From a step to the graph's name of what it wrote. */
const STEPS: { [Op in Step['op']]?: (exporter: Exporter, step: StepOf<Op>) => string } = {
  patchify(exporter, { label, weight, bias, starts }) {
    const { graph, plan } = exporter;
    const { width, patchSize } = plan.architecture;
    const inputs = [INPUTS.pixels, exporter.tensor(weight), ...(bias === null ? [] : [exporter.tensor(bias)])];
    const sizes = { kernel_shape: [...patchSize], strides: [...patchSize] };
    const convolved = graph.node(`${label}/conv`, 'Conv', inputs, sizes);
    const flat = graph.node(`${label}/flat`, 'Reshape', [convolved, graph.integers(0, width, -1)]);
    const patches = graph.node(`${label}/patches`, 'Transpose', [flat], { perm: [0, 2, 1] });
    return starts === null ? patches : addStarts(exporter, label, patches, starts);
  },

  unfold(exporter, { label }) {
    const { graph, plan } = exporter;
    const { channels, patchSize } = plan.architecture;
    const [rows, columns] = patchGrid(plan.architecture);
    const split = graph.integers(0, channels, rows, patchSize[0], columns, patchSize[1]);
    const tiles = graph.node(`${label}/tiles`, 'Reshape', [INPUTS.pixels, split]);
    const patches = graph.node(`${label}/patches`, 'Transpose', [tiles], { perm: [0, 2, 4, 1, 3, 5] });
    return graph.node(label, 'Reshape', [patches, graph.integers(0, rows * columns, patchFeatures(plan.architecture))]);
  },

  assemble: (exporter, { label, input, starts }) => addStarts(exporter, label, exporter.value(input), starts),

  lookup(exporter, { label, table, position }) {
    const { graph } = exporter;
    const tokens = graph.node(`${label}/table`, 'Gather', [exporter.tensor(table), INPUTS.ids], { axis: 0 });
    return graph.node(label, 'Add', [tokens, exporter.tensor(position)]);
  },

  'layer-norm'(exporter, { label, input, weight, bias, epsilon, token }) {
    const { graph } = exporter;
    const rows = token === null ? exporter.value(input) : row(graph, `${label}/token`, exporter.value(input), token);
    return graph.node(label, 'LayerNormalization', [rows, exporter.tensor(weight), exporter.tensor(bias)], {
      axis: -1,
      epsilon: { float: epsilon },
    });
  },

  matmul(exporter, { label, input, output, weight, bias, gamma, activation, accumulate }) {
    const { graph } = exporter;
    let result = graph.node(`${label}/matmul`, 'MatMul', [exporter.value(input), exporter.transposed(weight)]);
    if (bias !== null) result = graph.node(`${label}/bias`, 'Add', [exporter.tensor(bias), result]);
    if (activation !== null) result = ACTIVATE[activation](graph, `${label}/${activation}`, result);
    if (gamma !== null) result = graph.node(`${label}/gamma`, 'Mul', [result, exporter.tensor(gamma)]);
    return accumulate ? graph.node(`${label}/residual`, 'Add', [exporter.value(output), result]) : result;
  },

  attention(exporter, step) {
    const { label, input, output, heads, query } = step;
    const [q, k, v] = query
      ? [learnedQuery(exporter, step), ...splitHeads(exporter, label, input, heads, 2)]
      : splitHeads(exporter, label, input, heads, 3);
    const weights = exporter.graph.node(`${label}/softmax`, 'Softmax', [scores(exporter, step, q, k)], { axis: -1 });
    return mix(exporter, label, output, weights, v);
  },

  'attention-scores'(exporter, step) {
    const [q, k] = splitHeads(exporter, step.label, step.input, step.heads, 3);
    return scores(exporter, step, q, k);
  },

  'attention-values'(exporter, { label, input, output, weights, heads }) {
    const v = splitHeads(exporter, label, input, heads, 3)[2];
    return mix(exporter, label, output, exporter.value(weights), v);
  },

  mean(exporter, { label, input, output, first, count, part }) {
    const { graph } = exporter;
    const tokens = exporter.value(input);
    const average = count === 1 ? row(graph, `${label}/row`, tokens, first) : meanOfRows();
    // The parts of a value come in order.
    return part === 0 ? average : graph.node(label, 'Concat', [exporter.value(output), average], { axis: 1 });

    function meanOfRows(): string {
      const range = [graph.integers(first), graph.integers(first + count), graph.integers(1)];
      const rows = graph.node(`${label}/rows`, 'Slice', [tokens, ...range]);
      return graph.node(`${label}/mean`, 'ReduceMean', [rows], { axes: [1], keepdims: 0 });
    }
  },

  pick(exporter, { label, input }) {
    const { graph } = exporter;
    const ends = graph.node(`${label}/ends`, 'Unsqueeze', [INPUTS.ends, graph.integers(1)]);
    return graph.node(label, 'GatherND', [exporter.value(input), ends], { batch_dims: 1 });
  },

  head(exporter, { label, input, output, weight, bias, share, accumulate }) {
    const { graph } = exporter;
    const inputs = [exporter.value(input), exporter.tensor(weight), ...(bias === null ? [] : [exporter.tensor(bias)])];
    const result = graph.node(`${label}/gemm`, 'Gemm', inputs, {
      transB: 1,
      alpha: { float: share },
      beta: { float: share },
    });
    return accumulate ? graph.node(label, 'Add', [exporter.value(output), result]) : result;
  },

  'unit-length'(exporter, { label, input }) {
    const { graph } = exporter;
    const x = exporter.value(input);
    const length = graph.node(`${label}/length`, 'ReduceL2', [x], { axes: [-1], keepdims: 1 });
    // A row of zeros stays what it is.
    const divisor = graph.node(`${label}/divisor`, 'Max', [length, graph.scalar(1e-30)]);
    return graph.node(label, 'Div', [x, divisor]);
  },

  softmax: (exporter, { label, input }) => exporter.graph.node(label, 'Softmax', [exporter.value(input)], { axis: -1 }),

  /** Values never change in a graph: what was there stays there. */
  copy: (exporter, { input }) => exporter.value(input),
};

/** Prefix tokens in front of the patches, and the position embedding added. */
function addStarts(exporter: Exporter, label: string, patches: string, starts: Starts): string {
  const { graph } = exporter;
  const { prefix, position, positionPrefix, tokens } = starts;
  const first = prefix.map((name) =>
    perImage(graph, `${label}/${name}`, exporter.tensor(name), exporter.shape(name).slice(1)),
  );
  const all = first.length === 0 ? patches : graph.node(`${label}/concat`, 'Concat', [...first, patches], { axis: 1 });
  if (position === null) return all;
  const [, rows, width] = exporter.shape(position);
  if (rows === tokens) return graph.node(label, 'Add', [all, exporter.tensor(position)]);
  // Prefix tokens without a row of their own add zeros.
  const padded = graph.constant(`${position}/padded`, () => {
    const data = new Float32Array(tokens * width);
    const source = exporter.data(position);
    data.set(source.subarray(0, positionPrefix * width));
    data.set(source.subarray(positionPrefix * width), data.length - source.length + positionPrefix * width);
    return { shape: [1, tokens, width], data };
  });
  return graph.node(label, 'Add', [all, padded]);
}

/** `[batch, N, D]` to `[batch, D]`: one row of each image. */
function row(graph: OnnxGraph, name: string, tokens: string, index: number): string {
  const which = graph.constant(`int:${index}`, () => ({ shape: [], data: BigInt64Array.of(BigInt(index)) }));
  return graph.node(name, 'Gather', [tokens, which], { axis: 1 });
}

/** A constant `[1, ...shape]` once for each image. */
function perImage(graph: OnnxGraph, name: string, constant: string, shape: number[]): string {
  const sizes = graph.node(`${name}/sizes`, 'Shape', [INPUTS.pixels]);
  const images = graph.node(`${name}/images`, 'Gather', [sizes, graph.integers(0)], { axis: 0 });
  const target = graph.node(`${name}/shape`, 'Concat', [images, graph.integers(...shape)], { axis: 0 });
  return graph.node(name, 'Expand', [constant, target]);
}
