import source from '../../shaders/matmul.wgsl?raw';
import type { Columns } from '../gpu/columns.ts';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;
const COLUMN_VECTORS = 2;

/** Rows that one thread computes: buffers of rows are padded to a multiple of it. */
export const ROW_TILE = 8;

export interface MatmulSizes {
  /** Columns of x and of y, padding included: multiples of 4. */
  inputs: number;
  outputs: number;
  bias: boolean;
  activation: 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'relu' | null;
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
      ACCUMULATE: accumulate,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (rows) => [ceilDiv(ceilDiv(rows, ROW_TILE) * ceilDiv(vectors, COLUMN_VECTORS), WORKGROUP), 1, 1],
  };
}

/**
 * A linear layer's weight in the shader's 4x4 blocks.
 * @param weight `[outputs, inputs]`, as in a checkpoint
 * @returns `[inputs / 4, outputs / 4, 4 inputs, 4 outputs]`, zero in the padding
 */
export function packWeight(weight: ArrayLike<number>, inputs: Columns, outputs: Columns): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(inputs.stride * outputs.stride);
  placeWeight(packed, weight, 0, inputs, outputs);
  return packed;
}

/** Puts a piece of the weight, from element `first` on, to its places in what `packWeight` returns. */
export function placeWeight(
  packed: Float32Array,
  piece: ArrayLike<number>,
  first: number,
  inputs: Columns,
  outputs: Columns,
): void {
  const inputOffsets = new Uint32Array(inputs.count);
  for (let i = 0; i < inputs.count; i++) {
    const at = inputs.at(i);
    inputOffsets[i] = (at >> 2) * outputs.stride * 4 + (at & 3) * 4;
  }
  let i = first % inputs.count;
  for (let o = Math.floor(first / inputs.count), done = 0; done < piece.length; o++, i = 0) {
    const at = outputs.at(o);
    const column = (at >> 2) * 16 + (at & 3);
    const end = Math.min(inputs.count, i + piece.length - done);
    for (; i < end; i++) packed[column + inputOffsets[i]] = piece[done++];
  }
}
