/**
 * Numbers to 8 bits: every row of a matrix is its scale times whole numbers from -127 to 127 (symmetric, without a zero point).
 *
 * A scale has four binary digits, so that its products have no more than the eleven of a half: who keeps the weights in f16
 * has the same numbers as who keeps them in f32.
 */
import { decodeScaled } from '../weights/scaled-bytes.ts';

/** Digits of a scale: the leading one, and three more. */
const DIGITS = [8, 9, 10, 11, 12, 13, 14, 15].map((digits) => digits / 8);

/** With smaller ones, products would have digits that halves do not: rows this small are rounded to multiples of it. */
const LEAST_SCALE = 2 ** -21;

export interface Quantised {
  /** One for each row. */
  scales: Float32Array<ArrayBuffer>;
  codes: Int8Array<ArrayBuffer>;
}

/** @param values `[rows, K]` */
export function quantise(values: Float32Array, rows: number): Quantised {
  const length = values.length / rows;
  const scales = new Float32Array(rows);
  const codes = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    const numbers = values.subarray(row * length, (row + 1) * length);
    const scale = bestScale(numbers);
    scales[row] = scale;
    // A row of zeros has no scale.
    if (scale > 0) for (let i = 0; i < length; i++) codes[row * length + i] = codeOf(numbers[i], scale);
  }
  return { scales, codes };
}

/** What a reader makes of it. @returns `[rows, K]` */
export function dequantise({ scales, codes }: Quantised): Float32Array<ArrayBuffer> {
  return decodeScaled(new Uint8Array(codes.buffer), scales, 0, codes.length);
}

/** The scale with the least sum of squared errors: cutting off what is rare makes the steps of all others smaller. */
function bestScale(numbers: Float32Array): number {
  let largest = 0;
  for (const number of numbers) largest = Math.max(largest, Math.abs(number));
  let best = 0;
  let least = Infinity;
  for (const scale of largest === 0 ? [] : scalesFor(largest)) {
    const error = squaredError(numbers, scale);
    if (error < least) [least, best] = [error, scale];
  }
  return best;
}

/** From half of what covers the largest number to the first that does. */
function scalesFor(largest: number): number[] {
  const exponent = Math.floor(Math.log2(largest / 127));
  const all = [-1, 0, 1].flatMap((more) => DIGITS.map((digits) => digits * 2 ** (exponent + more)));
  const first = all.findIndex((scale) => 127 * scale >= largest);
  return all.slice(0, first + 1).map((scale) => Math.max(scale, LEAST_SCALE));
}

function squaredError(numbers: Float32Array, scale: number): number {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += (numbers[i] - codeOf(numbers[i], scale) * scale) ** 2;
  return sum;
}

function codeOf(number: number, scale: number): number {
  return Math.max(-127, Math.min(127, Math.round(number / scale)));
}
