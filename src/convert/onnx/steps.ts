/**
 * Each step of a plan as ONNX nodes: one small function per op. The nodes are those that PyTorch's exporter writes, so
 * that a runtime's own fusions (GELU, bias into matmul) find what they look for.
 *
 * Values keep their dense shapes: `[batch, N, columns]` for tokens, `[batch, columns]` for one row per image.
 */
import { ViTError } from '../../error.ts';
import type { Activation } from '../../model/architecture.ts';
import type { Plan, Step, StepOf, ValueName } from '../../model/plan.ts';
import { tensorShapes } from '../../model/tensors.ts';
import type { OnnxGraph } from './graph.ts';

/** A tensor of the model by its canonical name, row-major. */
export type TensorLookup = (name: string) => Float32Array<ArrayBuffer>;

export const PIXELS = 'pixel_values';

export class Exporter {
  readonly graph: OnnxGraph;
  readonly plan: Plan;
  readonly #lookup: TensorLookup;
  readonly #shapes: Map<string, number[]>;
  /** The graph's name for what each value holds by now: a value that is written twice has had two. */
  readonly #current = new Map<ValueName, string>();

  constructor(graph: OnnxGraph, plan: Plan, lookup: TensorLookup) {
    this.graph = graph;
    this.plan = plan;
    this.#lookup = lookup;
    this.#shapes = tensorShapes(plan.architecture);
  }

  /** @throws ViTError `unsupported-model` for an op that is not in the table */
  add(step: Step): void {
    const write = STEPS[step.op] as ((exporter: Exporter, step: Step) => string) | undefined;
    if (!write) {
      throw new ViTError('unsupported-model', `${step.label}: the step "${step.op}" cannot be written as ONNX yet.`);
    }
    this.#current.set(step.output, write(this, step));
  }

  value(name: ValueName): string {
    return this.#current.get(name)!;
  }

  shape(name: string): number[] {
    return this.#shapes.get(name)!;
  }

  /** A tensor of the model as a constant, as it is or in another shape. */
  tensor(name: string, shape = this.#shapes.get(name)!): string {
    return this.graph.constant(name, () => ({ shape, data: this.#lookup(name) }));
  }

  /** A weight `[out, in]` as `[in, out]`. */
  transposed(name: string): string {
    return this.graph.constant(`${name}/transposed`, () => {
      const [rows, columns] = this.#shapes.get(name)!;
      return { shape: [columns, rows], data: transpose(this.#lookup(name), rows, columns) };
    });
  }
}

const STEPS: { [Op in Step['op']]?: (exporter: Exporter, step: StepOf<Op>) => string } = {
  patchify(exporter, { label, weight, bias, starts }) {
    const { graph, plan } = exporter;
    const { width, patchSize } = plan.architecture;
    const biases = bias === null ? [] : [exporter.tensor(bias)];
    const convolved = graph.node(`${label}/conv`, 'Conv', [PIXELS, exporter.tensor(weight), ...biases], {
      kernel_shape: [...patchSize],
      strides: [...patchSize],
    });
    const flat = graph.node(`${label}/flat`, 'Reshape', [convolved, graph.integers(0, width, -1)]);
    const patches = graph.node(`${label}/patches`, 'Transpose', [flat], { perm: [0, 2, 1] });
    const { prefix, position } = starts ?? { prefix: [], position: null };
    if (position && exporter.shape(position)[1] !== starts!.tokens) {
      throw new ViTError(
        'unsupported-model',
        `${label}: tokens without a row of ${position} cannot be written as ONNX yet.`,
      );
    }
    const first = prefix.map((name) =>
      perImage(exporter, `${label}/${name}`, exporter.tensor(name), exporter.shape(name).slice(1)),
    );
    const tokens =
      prefix.length === 0 ? patches : graph.node(`${label}/concat`, 'Concat', [...first, patches], { axis: 1 });
    return position === null ? tokens : graph.node(label, 'Add', [tokens, exporter.tensor(position)]);
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
    if (activation !== null) {
      const activate = ACTIVATE[activation];
      if (!activate) {
        throw new ViTError('unsupported-model', `${label}: "${activation}" cannot be written as ONNX yet.`);
      }
      result = activate(graph, `${label}/${activation}`, result);
    }
    if (gamma !== null) result = graph.node(`${label}/gamma`, 'Mul', [result, exporter.tensor(gamma)]);
    return accumulate ? graph.node(`${label}/residual`, 'Add', [exporter.value(output), result]) : result;
  },

  attention(exporter, { label, input, output, heads, scale, causal, relative, query }) {
    const { graph, plan } = exporter;
    if (causal || relative || query) {
      throw new ViTError('unsupported-model', `${label}: this kind of attention cannot be written as ONNX yet.`);
    }
    const { rows: tokens, columns: width } = plan.values[output];
    const size = width / heads;
    const split = graph.node(`${label}/split`, 'Reshape', [
      exporter.value(input),
      graph.integers(0, tokens, 3 * heads, size),
    ]);
    const byHead = graph.node(`${label}/by-head`, 'Transpose', [split], { perm: [0, 2, 1, 3] });
    const [q, k, v] = graph.nodeWithOutputs(`${label}/qkv`, 'Split', [byHead, graph.integers(heads, heads, heads)], 3, {
      axis: 1,
    });
    const scaled = graph.node(`${label}/scaled`, 'Mul', [q, graph.scalar(scale)]);
    const keys = graph.node(`${label}/keys`, 'Transpose', [k], { perm: [0, 1, 3, 2] });
    const scores = graph.node(`${label}/scores`, 'MatMul', [scaled, keys]);
    const weights = graph.node(`${label}/softmax`, 'Softmax', [scores], { axis: -1 });
    const mixed = graph.node(`${label}/mixed`, 'MatMul', [weights, v]);
    const byToken = graph.node(`${label}/by-token`, 'Transpose', [mixed], { perm: [0, 2, 1, 3] });
    return graph.node(label, 'Reshape', [byToken, graph.integers(0, tokens, width)]);
  },

  head(exporter, { label, input, weight, bias, share, accumulate }) {
    if (share !== 1 || accumulate) {
      throw new ViTError('unsupported-model', `${label}: the mean of two heads cannot be written as ONNX yet.`);
    }
    const biases = bias === null ? [] : [exporter.tensor(bias)];
    const inputs = [exporter.value(input), exporter.tensor(weight), ...biases];
    return exporter.graph.node(label, 'Gemm', inputs, { transB: 1 });
  },

  softmax(exporter, { label, input }) {
    return exporter.graph.node(label, 'Softmax', [exporter.value(input)], { axis: -1 });
  },
};

const ACTIVATE: { [Name in Activation | 'tanh' | 'swiglu']?: (graph: OnnxGraph, name: string, x: string) => string } = {
  gelu(graph, name, x) {
    const unit = graph.node(`${name}/unit`, 'Div', [x, graph.scalar(Math.SQRT2)]);
    const erf = graph.node(`${name}/erf`, 'Erf', [unit]);
    const shifted = graph.node(`${name}/shifted`, 'Add', [erf, graph.scalar(1)]);
    const product = graph.node(`${name}/product`, 'Mul', [x, shifted]);
    return graph.node(name, 'Mul', [product, graph.scalar(0.5)]);
  },
  gelu_tanh(graph, name, x) {
    const cube = graph.node(`${name}/cube`, 'Pow', [x, graph.scalar(3)]);
    const scaled = graph.node(`${name}/scaled`, 'Mul', [cube, graph.scalar(0.044715)]);
    const sum = graph.node(`${name}/sum`, 'Add', [x, scaled]);
    const argument = graph.node(`${name}/argument`, 'Mul', [sum, graph.scalar(Math.sqrt(2 / Math.PI))]);
    const tanh = graph.node(`${name}/tanh`, 'Tanh', [argument]);
    const shifted = graph.node(`${name}/shifted`, 'Add', [tanh, graph.scalar(1)]);
    const product = graph.node(`${name}/product`, 'Mul', [x, shifted]);
    return graph.node(name, 'Mul', [product, graph.scalar(0.5)]);
  },
  quick_gelu(graph, name, x) {
    const scaled = graph.node(`${name}/scaled`, 'Mul', [x, graph.scalar(1.702)]);
    const sigmoid = graph.node(`${name}/sigmoid`, 'Sigmoid', [scaled]);
    return graph.node(name, 'Mul', [x, sigmoid]);
  },
  relu: (graph, name, x) => graph.node(name, 'Relu', [x]),
  tanh: (graph, name, x) => graph.node(name, 'Tanh', [x]),
};

/** `[batch, N, D]` to `[batch, D]`: one row of each image. */
function row(graph: OnnxGraph, name: string, tokens: string, index: number): string {
  const which = graph.constant(`int:${index}`, () => ({ shape: [], data: BigInt64Array.of(BigInt(index)) }));
  return graph.node(name, 'Gather', [tokens, which], { axis: 1 });
}

/** A constant `[1, ...shape]` once for each image. */
function perImage({ graph }: Exporter, name: string, constant: string, shape: number[]): string {
  const batch = graph.constant('batch', () => ({ shape: [1], data: BigInt64Array.of(0n) }));
  const sizes = graph.node(`${name}/sizes`, 'Shape', [PIXELS]);
  const images = graph.node(`${name}/images`, 'Gather', [sizes, batch], { axis: 0 });
  const target = graph.node(`${name}/shape`, 'Concat', [images, graph.integers(...shape)], { axis: 0 });
  return graph.node(name, 'Expand', [constant, target]);
}

/** In squares that stay in the cache: several times faster than row by row for large weights. */
function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const SIDE = 32;
  const result = new Float32Array(matrix.length);
  for (let top = 0; top < rows; top += SIDE) {
    for (let left = 0; left < columns; left += SIDE) {
      for (let r = top; r < Math.min(top + SIDE, rows); r++) {
        for (let c = left; c < Math.min(left + SIDE, columns); c++) result[c * rows + r] = matrix[r * columns + c];
      }
    }
  }
  return result;
}
