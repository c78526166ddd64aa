import source from '../../shaders/matmul.wgsl?raw';
import type { ColumnLayout } from '../gpu/columns.ts';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;
const COLUMN_VECTORS = 2;

/** Rows that one thread computes: buffers of rows are padded to a multiple of it. */
export const ROW_TILE = 8;

export interface MatmulSizes {
  /** Columns of x and of the weight's outputs, padding included: multiples of 4. y has as many, with SwiGLU half. */
  inputs: number;
  outputs: number;
  bias: boolean;
  /** `swiglu` takes a weight and a bias packed with `SwigluColumns`, and neither lacks a bias nor accumulates. */
  activation: 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'relu' | 'tanh' | 'swiglu' | null;
  /** Add to what y holds instead of replacing it. */
  accumulate: boolean;
}

/** Bindings x, weight, bias (any buffer when there is none), y. */
export function matmul({ inputs, outputs, bias, activation, accumulate }: MatmulSizes): Kernel {
  const vectors = outputs / 4;
  return {
    name: 'matmul',
    code: specialise('matmul.wgsl', source, {
      INPUTS: inputs / 4,
      OUTPUTS: vectors,
      BIAS: bias,
      GELU: activation === 'gelu',
      GELU_TANH: activation === 'gelu_tanh',
      QUICK_GELU: activation === 'quick_gelu',
      RELU: activation === 'relu',
      TANH: activation === 'tanh',
      SWIGLU: activation === 'swiglu',
      ACCUMULATE: accumulate,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (rows) => [ceilDiv(ceilDiv(rows, ROW_TILE) * ceilDiv(vectors, COLUMN_VECTORS), WORKGROUP), 1, 1],
  };
}

/** Where the rows of a SwiGLU's weight go, gates before what they gate: in turn four of the ones and four of the others. */
export class SwigluColumns implements ColumnLayout {
  readonly count: number;
  readonly stride: number;
  readonly #width: number;

  /** @param width of the product: half of the rows */
  constructor(width: number) {
    this.count = 2 * width;
    this.stride = 2 * roundUp(width, 4);
    this.#width = width;
  }

  at(column: number): number {
    const part = column < this.#width ? 0 : 4;
    const within = column % this.#width;
    return (within >> 2) * 8 + part + (within & 3);
  }
}

/**
 * A linear layer's weight in the shader's 4x4 blocks.
 * @param weight `[outputs, inputs]`, as in a checkpoint
 * @returns `[inputs / 4, outputs / 4, 4 inputs, 4 outputs]`, zero in the padding
 */
export function packWeight(
  weight: ArrayLike<number>,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(inputs.stride * outputs.stride);
  placeWeight(packed, weight, 0, inputs, outputs);
  return packed;
}

/** Puts a piece of the weight, from element `first` on, to its places in what `packWeight` returns. */
export function placeWeight(
  packed: Float32Array,
  piece: ArrayLike<number>,
  first: number,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
): void {
  const inputOffsets = offsetsOf(inputs, outputs);
  let i = first % inputs.count;
  for (let o = Math.floor(first / inputs.count), done = 0; done < piece.length; o++, i = 0) {
    const at = outputs.at(o);
    const column = (at >> 2) * 16 + (at & 3);
    const end = Math.min(inputs.count, i + piece.length - done);
    for (; i < end; i++) packed[column + inputOffsets[i]] = piece[done++];
  }
}

/** Multiplies each output of a packed weight by its own factor. */
export function scaleWeight(
  packed: Float32Array,
  factors: ArrayLike<number>,
  inputs: ColumnLayout,
  outputs: ColumnLayout,
): void {
  const inputOffsets = offsetsOf(inputs, outputs);
  for (let o = 0; o < outputs.count; o++) {
    const at = outputs.at(o);
    const column = (at >> 2) * 16 + (at & 3);
    for (const offset of inputOffsets) packed[column + offset] *= factors[o];
  }
}

/** Where the inputs of the first output lie. */
function offsetsOf(inputs: ColumnLayout, outputs: ColumnLayout): Uint32Array {
  return Uint32Array.from({ length: inputs.count }, (_, i) => {
    const at = inputs.at(i);
    return (at >> 2) * outputs.stride * 4 + (at & 3) * 4;
  });
}
