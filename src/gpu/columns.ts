import { roundUp } from './kernel.ts';

/** Where the columns of a matrix go in a buffer. */
export interface ColumnLayout {
  readonly count: number;
  /** Floats from one row to the next: a multiple of 4. */
  readonly stride: number;
  /** Position in the buffer's row of the matrix's column. */
  at(column: number): number;
}

/** Each of `groups` equal slices is padded to a multiple of 4. */
export class Columns implements ColumnLayout {
  readonly count: number;
  readonly stride: number;
  readonly #size: number;
  readonly #paddedSize: number;

  constructor(count: number, groups = 1) {
    this.count = count;
    this.#size = count / groups;
    this.#paddedSize = roundUp(this.#size, 4);
    this.stride = groups * this.#paddedSize;
  }

  at(column: number): number {
    return Math.floor(column / this.#size) * this.#paddedSize + (column % this.#size);
  }
}

/** A vector (bias, LayerNorm weight) with zeros in the padding. */
export function packVector(vector: ArrayLike<number>, columns: ColumnLayout): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(columns.stride);
  for (let i = 0; i < columns.count; i++) packed[columns.at(i)] = vector[i];
  return packed;
}
