/**
 * A plan on its way into an ONNX graph: which name of the graph each value of the plan has by now, and the tensors of the
 * model as constants.
 */
import type { Plan, ValueName } from '../../model/plan.ts';
import { tensorShapes } from '../../model/tensors.ts';
import type { OnnxGraph } from './graph.ts';

/** A tensor of the model by its canonical name, row-major. */
export type TensorLookup = (name: string) => Float32Array<ArrayBuffer>;

/** Names of what goes in: those of Hugging Face's exports, where there is one. */
export const INPUTS = { pixels: 'pixel_values', ids: 'input_ids', ends: 'ends' } as const;

export class Exporter {
  readonly graph: OnnxGraph;
  readonly plan: Plan;
  readonly #lookup: TensorLookup;
  readonly #shapes: Map<string, number[]>;
  /** A value that is written twice has had two names. */
  readonly #current = new Map<ValueName, string>();

  constructor(graph: OnnxGraph, plan: Plan, lookup: TensorLookup) {
    this.graph = graph;
    this.plan = plan;
    this.#lookup = lookup;
    this.#shapes = tensorShapes(plan.architecture);
  }

  value(name: ValueName): string {
    return this.#current.get(name)!;
  }

  setValue(name: ValueName, graphName: string): void {
    this.#current.set(name, graphName);
  }

  /** Of a tensor of the model. */
  shape(name: string): number[] {
    return this.#shapes.get(name)!;
  }

  data(name: string): Float32Array<ArrayBuffer> {
    return this.#lookup(name);
  }

  /** A tensor of the model as a constant. */
  tensor(name: string): string {
    return this.graph.constant(name, () => ({ shape: this.shape(name), data: this.data(name) }));
  }

  /** A weight `[out, in]` as `[in, out]`; that of a convolution is `[out, …]`. */
  transposed(name: string): string {
    return this.graph.constant(`${name}/transposed`, () => {
      const [rows, ...rest] = this.shape(name);
      const columns = rest.reduce((a, b) => a * b, 1);
      return { shape: [columns, rows], data: transpose(this.data(name), rows, columns) };
    });
  }
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
