/**
 * Test data, and comparisons whose failures say where, what and what instead.
 */
import type { Columns } from '../../src/gpu/columns.ts';
import { roundUp } from '../../src/gpu/kernel.ts';
import type { Outputs } from '../../src/interface.ts';
import { ROW_TILE } from '../../src/kernels/matmul.ts';

export { random } from './random.ts';

/** A dense `[rows, columns]` matrix as it lies in a GPU buffer: columns padded, rows padded to whole matmul tiles. */
export function toBuffer(dense: ArrayLike<number>, rows: number, columns: Columns): Float32Array<ArrayBuffer> {
  const padded = new Float32Array(roundUp(rows, ROW_TILE) * columns.stride);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns.count; i++) {
      padded[row * columns.stride + columns.at(i)] = dense[row * columns.count + i];
    }
  }
  return padded;
}

export function fromBuffer(padded: ArrayLike<number>, rows: number, columns: Columns): Float32Array<ArrayBuffer> {
  const dense = new Float32Array(rows * columns.count);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns.count; i++) {
      dense[row * columns.count + i] = padded[row * columns.stride + columns.at(i)];
    }
  }
  return dense;
}

export function emptyBuffer(rows: number, columns: Columns): Float32Array<ArrayBuffer> {
  return new Float32Array(roundUp(rows, ROW_TILE) * columns.stride);
}

/**
 * The design's bound for a kernel in f32: 1e-5 of the largest reference value, or of 1. It is some 80 units in the last
 * place: sums of a few thousand products in another order differ by about 10.
 */
export const F32_BOUND = 1e-5;

/** @throws unless every value is within `bound` x max(1, |expected|max) */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values instead of ${expected.length}`);
  let largest = 1;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  let worst = 0;
  let at = -1;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= worst)) {
      worst = error;
      at = i;
      if (Number.isNaN(error)) break;
    }
  }
  if (!(worst <= bound * largest)) {
    throw new Error(
      `[${at}] is ${actual[at]} instead of ${expected[at]}: off by ${worst}, allowed ${bound} x ${largest}`,
    );
  }
}

/** Outputs of a model, by name: sums in another order. @throws unless the names and shapes are the same and the values close */
export function expectCloseOutputs(actual: Outputs, expected: Outputs, bound = F32_BOUND): void {
  if (Object.keys(actual).join() !== Object.keys(expected).join()) throw new Error(`outputs ${Object.keys(actual)}`);
  for (const [name, { data, shape }] of Object.entries(expected)) {
    const output = actual[name as keyof Outputs]!;
    expectClose(output.shape, shape, 0);
    expectClose(output.data, data, bound);
  }
}

/** @throws unless every value is within `bound`, however large the values are */
export function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
  let largest = 1;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  expectClose(actual, expected, bound / largest);
}
