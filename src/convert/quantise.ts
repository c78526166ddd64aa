/**
 * Numbers to 8 or 4 bits: each is a whole number times the scale that it shares with others, of its row or of a group in it
 * (symmetric, without a zero point).
 *
 * A scale has few enough binary digits that its products have no more than the eleven of a half: who keeps the weights in f16
 * has the same numbers as who keeps them in f32.
 */
import { encodeHalfs } from '../weights/half.ts';
import { GROUP } from '../weights/manifest.ts';
import { decodeScaled } from '../weights/scaled-bytes.ts';

export interface Quantised {
  /** One for each row, or each group of one. */
  scales: Float32Array<ArrayBuffer>;
  codes: Int8Array<ArrayBuffer>;
}

/** How a format of few bits is made and stored. */
export interface Quantisation {
  bits: 8 | 4;
  /** @param values `[rows, K]` */
  quantise(values: Float32Array, rows: number): Quantised;
  /** Scales, then elements. */
  store(quantised: Quantised): Uint8Array<ArrayBuffer>;
}

export const I8: Quantisation = {
  bits: 8,
  quantise: (values, rows) => quantise(values, rows, rowScale, 127, -127),
  store: ({ scales, codes }) => joined(new Uint8Array(scales.buffer), new Uint8Array(codes.buffer)),
};

/** Codes go from -8 to 7, and a scale may be negative: what is largest in a group is -8. */
export const I4: Quantisation = {
  bits: 4,
  quantise: (values) => quantise(values, values.length / GROUP, groupScale, 7, -8),
  store: ({ scales, codes }) => joined(new Uint8Array(encodeHalfs(scales).buffer), nibbles(codes)),
};

/** What a reader makes of it. @returns `[rows, K]` */
export function dequantise({ scales, codes }: Quantised): Float32Array<ArrayBuffer> {
  return decodeScaled(new Uint8Array(codes.buffer), scales, 0, codes.length, 8);
}

function quantise(
  values: Float32Array,
  runs: number,
  scaleOf: (numbers: Float32Array) => number,
  most: number,
  least: number,
): Quantised {
  const length = values.length / runs;
  const scales = new Float32Array(runs);
  const codes = new Int8Array(values.length);
  for (let run = 0; run < runs; run++) {
    const numbers = values.subarray(run * length, (run + 1) * length);
    const scale = scaleOf(numbers);
    scales[run] = scale;
    // Zeros have no scale.
    if (scale !== 0) for (let i = 0; i < length; i++) codes[run * length + i] = codeOf(numbers[i], scale, most, least);
  }
  return { scales, codes };
}

function codeOf(number: number, scale: number, most: number, least: number): number {
  return Math.max(least, Math.min(most, Math.round(number / scale)));
}

/** Of all `candidates` the one with the least sum of squared errors; 0 where there is none. */
function bestOf(candidates: number[], numbers: Float32Array, most: number, least: number): number {
  let best = 0;
  let smallest = Infinity;
  for (const scale of candidates) {
    let error = 0;
    for (let i = 0; i < numbers.length; i++)
      error += (numbers[i] - codeOf(numbers[i], scale, most, least) * scale) ** 2;
    if (error < smallest) [smallest, best] = [error, scale];
  }
  return best;
}

/** Digits of a row's scale: the leading one, and three more. */
const DIGITS = [8, 9, 10, 11, 12, 13, 14, 15].map((digits) => digits / 8);

/** With smaller ones, products would have digits that halves do not: rows this small are rounded to multiples of it. */
const LEAST_ROW_SCALE = 2 ** -21;

/** Cutting off what is rare makes the steps of all others smaller: from half of what covers the largest to the first that does. */
function rowScale(numbers: Float32Array): number {
  const largest = Math.abs(largestOf(numbers));
  if (largest === 0) return 0;
  const exponent = Math.floor(Math.log2(largest / 127));
  const all = [-1, 0, 1].flatMap((more) => DIGITS.map((digits) => digits * 2 ** (exponent + more)));
  const first = all.findIndex((scale) => 127 * scale >= largest);
  const candidates = all.slice(0, first + 1).map((scale) => Math.max(scale, LEAST_ROW_SCALE));
  return bestOf(candidates, numbers, 127, -127);
}

/** Codes that the largest number of a group may have, were they not whole. */
const LARGEST_CODES = [-10, -9.25, -8.5, -8, -7.5, -7, -6.5, -6, 9, 8, 7.5, 7, 6.5, 6, 5.5];

/** From each start the scale that would be best for its codes. */
function groupScale(numbers: Float32Array): number {
  const largest = largestOf(numbers);
  const candidates = (largest === 0 ? [] : LARGEST_CODES).map((code) => fitted(numbers, largest / code));
  return bestOf(
    candidates.filter((scale) => scale !== 0),
    numbers,
    7,
    -8,
  );
}

function fitted(numbers: Float32Array, scale: number): number {
  let products = 0;
  let squares = 0;
  for (let i = 0; i < numbers.length; i++) {
    const code = codeOf(numbers[i], scale, 7, -8);
    products += numbers[i] * code;
    squares += code * code;
  }
  return rounded(squares === 0 ? scale : products / squares);
}

/** To eight binary digits, and to what a half can be. */
function rounded(scale: number): number {
  const unit = 2 ** Math.max(Math.floor(Math.log2(Math.abs(scale))) - 7, -24);
  return Math.round(scale / unit) * unit;
}

/** The number that is farthest from zero. */
function largestOf(numbers: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < numbers.length; i++) if (Math.abs(numbers[i]) > Math.abs(largest)) largest = numbers[i];
  return largest;
}

/** Of two codes the first has the lower bits. */
function nibbles(codes: Int8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(codes.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (codes[2 * i] & 15) | (codes[2 * i + 1] << 4);
  return bytes;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
