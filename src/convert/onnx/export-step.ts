/**
 * Each step of a plan as ONNX nodes: one small function per op. The nodes are those that PyTorch's exporter writes, so
 * that a runtime's own fusions (GELU, bias into matmul) find what they look for.
 *
 * Values keep their dense shapes: `[batch, rows, columns]`, or `[batch, columns]` for one row per image; scores and
 * weights of attention are `[batch, heads, queries, keys]`.
 */
import { patchFeatures, patchGrid } from '../../model/architecture.ts';
import type { Norm } from '../../model/layers.ts';
import type { Affine, Starts, Step, StepOf } from '../../model/plan.ts';
import { rotationTable, type Turning } from '../../model/rotary.ts';
import { ACTIVATE } from './activation-nodes.ts';
import { learnedQuery, mix, scores, splitHeads } from './attention-nodes.ts';
import { type Exporter, INPUTS } from './exporter.ts';
import type { OnnxGraph } from './graph.ts';

export function exportStep(exporter: Exporter, step: Step): void {
  const write = STEPS[step.op] as (exporter: Exporter, step: Step) => string;
  exporter.setValue(step.output, write(exporter, step));
}

/** From a step to the graph's name of what it wrote. */
const STEPS: { [Op in Step['op']]: (exporter: Exporter, step: StepOf<Op>) => string } = {
  patchify(exporter, { label, weight, bias, starts }) {
    const { graph, plan } = exporter;
    const { width, patchSize } = plan.architecture;
    const inputs = [INPUTS.pixels, exporter.tensor(weight), ...(bias === null ? [] : [exporter.tensor(bias)])];
    const sizes = { kernel_shape: [...patchSize], strides: [...patchSize] };
    const convolved = graph.node(`${label}/conv`, 'Conv', inputs, sizes);
    const flat = graph.node(`${label}/flat`, 'Reshape', [convolved, graph.integers(0, width, -1)]);
    const patches = graph.node(`${label}/patches`, 'Transpose', [flat], { perm: [0, 2, 1] });
    return starts === null ? patches : addStarts(exporter, label, patches, starts as Starts);
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

  'layer-norm'(exporter, { label, input, output, token, others, accumulate, norm, epsilon, ...tensors }) {
    const { graph, plan } = exporter;
    const rows = token === null ? exporter.value(input) : row(graph, `${label}/token`, exporter.value(input), token);
    let result: string;
    if (others) {
      const { rows: count } = plan.values[input];
      const front = slice(graph, `${label}/front`, rows, 0, others.first);
      const rest = slice(graph, `${label}/rest`, rows, others.first, count);
      const normed = [
        normalise(exporter, `${label}/front-norm`, front, tensors, { norm, epsilon }),
        normalise(exporter, `${label}/rest-norm`, rest, others, { norm, epsilon }),
      ];
      result = graph.node(label, 'Concat', normed, { axis: 1 });
    } else result = normalise(exporter, label, rows, tensors, { norm, epsilon });
    return accumulate ? graph.node(`${label}/residual`, 'Add', [exporter.value(output), result]) : result;
  },

  'head-norm'(exporter, { label, input, heads, query, key, norm, epsilon }) {
    const [q, k, v] = heads3(exporter, label, input, heads);
    const normed = [
      normalise(exporter, `${label}/query`, q, query, { norm, epsilon }),
      normalise(exporter, `${label}/key`, k, key, { norm, epsilon }),
    ];
    return sideBySide(exporter, label, input, [...normed, v]);
  },

  rotate(exporter, { label, input, heads, frequencies, turning, first }) {
    const { graph, plan } = exporter;
    const { rows: tokens } = plan.values[input];
    const [cosine, sine] = [0, 1].map((part) => rotations(exporter, frequencies, turning, part));
    const [q, k, v] = heads3(exporter, label, input, heads);
    const turned = [q, k].map((heads, i) => {
      const name = `${label}/${i === 0 ? 'query' : 'key'}`;
      const patches = slice(graph, `${name}/patches`, heads, first, tokens);
      const [a, b] = graph.nodeWithOutputs(`${name}/halves`, 'Split', [patches], 2, { axis: -1 });
      const times = (part: string, x: string, y: string) => graph.node(`${name}/${part}`, 'Mul', [x, y]);
      const halves = [
        graph.node(`${name}/first`, 'Sub', [times('a-cos', a, cosine), times('b-sin', b, sine)]),
        graph.node(`${name}/second`, 'Add', [times('b-cos', b, cosine), times('a-sin', a, sine)]),
      ];
      const rotated = graph.node(`${name}/rotated`, 'Concat', halves, { axis: -1 });
      if (first === 0) return rotated;
      return graph.node(`${name}/all`, 'Concat', [slice(graph, `${name}/front`, heads, 0, first), rotated], {
        axis: 1,
      });
    });
    return sideBySide(exporter, label, input, [...turned, v]);
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
    const product = scores(exporter, step, q, k, query?.first);
    const weights = exporter.graph.node(`${label}/softmax`, 'Softmax', [product], { axis: -1 });
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

  mean(exporter, { label, input, output, first, count, part, largest }) {
    const { graph } = exporter;
    const tokens = exporter.value(input);
    const average = count === 1 ? row(graph, `${label}/row`, tokens, first) : meanOfRows();
    // The parts of a value come in order.
    return part === 0 ? average : graph.node(label, 'Concat', [exporter.value(output), average], { axis: 1 });

    function meanOfRows(): string {
      const rows = slice(graph, `${label}/rows`, tokens, first, first + count);
      const mean = graph.node(`${label}/mean`, 'ReduceMean', [rows], { axes: [1], keepdims: 0 });
      if (!largest) return mean;
      const most = graph.node(`${label}/largest`, 'ReduceMax', [rows], { axes: [1], keepdims: 0 });
      const sum = graph.node(`${label}/sum`, 'Add', [mean, most]);
      return graph.node(`${label}/half`, 'Mul', [sum, graph.scalar(0.5)]);
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

/** Of the last axis. */
function normalise(
  exporter: Exporter,
  label: string,
  x: string,
  { weight, bias }: Affine,
  { norm, epsilon }: { norm: Norm; epsilon: number },
): string {
  const { graph } = exporter;
  if (norm === 'layer') {
    const inputs = [x, exporter.tensor(weight), ...(bias === null ? [] : [exporter.tensor(bias)])];
    return graph.node(label, 'LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } });
  }
  const square = graph.node(`${label}/square`, 'Mul', [x, x]);
  const mean = graph.node(`${label}/mean`, 'ReduceMean', [square], { axes: [-1], keepdims: 1 });
  const shifted = graph.node(`${label}/shifted`, 'Add', [mean, graph.scalar(epsilon)]);
  const root = graph.node(`${label}/root`, 'Sqrt', [shifted]);
  const unit = graph.node(`${label}/unit`, 'Div', [x, root]);
  return graph.node(label, 'Mul', [unit, exporter.tensor(weight)]);
}

/** Q, K and V as `[batch, tokens, heads, head size]`. */
function heads3(exporter: Exporter, label: string, input: string, heads: number): string[] {
  const { graph, plan } = exporter;
  const { rows, columns } = plan.values[input];
  const shape = graph.integers(0, rows, 3 * heads, columns / 3 / heads);
  const split = graph.node(`${label}/split`, 'Reshape', [exporter.value(input), shape]);
  return graph.nodeWithOutputs(`${label}/parts`, 'Split', [split], 3, { axis: 2 });
}

/** The way back. */
function sideBySide({ graph, plan }: Exporter, label: string, value: string, parts: string[]): string {
  const { rows, columns } = plan.values[value];
  const joined = graph.node(`${label}/joined`, 'Concat', parts, { axis: 2 });
  return graph.node(label, 'Reshape', [joined, graph.integers(0, rows, columns)]);
}

/** Cosines or sines of a block: `[1, tokens that turn, heads or 1, pairs]`. @param part 0 or 1 */
function rotations(exporter: Exporter, frequencies: string, turning: Turning, part: number): string {
  const { heads, pairs, grid, registers, block } = turning;
  const tokens = registers + grid[0] * grid[1];
  return exporter.graph.constant(`${frequencies}/${block}/${part === 0 ? 'cos' : 'sin'}`, () => {
    const table = rotationTable(exporter.data(frequencies), turning);
    const data = new Float32Array(tokens * heads * pairs);
    for (let head = 0; head < heads; head++) {
      for (let token = 0; token < tokens; token++) {
        for (let pair = 0; pair < pairs; pair++) {
          data[(token * heads + head) * pairs + pair] = table[((head * tokens + token) * pairs + pair) * 2 + part];
        }
      }
    }
    return { shape: [1, tokens, heads, pairs], data };
  });
}

/** Rows of each image. */
function slice(graph: OnnxGraph, name: string, x: string, first: number, end: number): string {
  return graph.node(name, 'Slice', [x, graph.integers(first), graph.integers(end), graph.integers(1)]);
}

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
