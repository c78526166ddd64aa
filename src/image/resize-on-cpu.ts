/**
 * Resize and crop on the CPU: the bytes that Pillow's `Image.resize` and `crop` give, to the last one.
 *
 * Each pass is out = clamp((2^21 + Σ pixel * weight) >> 22, 0, 255) with weights in units of 2^-22, columns first.
 * Sums stay below 2^31: no filter's absolute weights add up to more than 1.6.
 */
import { type Coefficients, PRECISION_BITS } from './filters.ts';
import type { Passes } from './passes.ts';
import type { PixelSource } from './pixels.ts';

const HALF = 1 << (PRECISION_BITS - 1);

/** Pixels of the source held at a time: 16 MiB of RGBA. */
const STRIP_PIXELS = 1 << 22;

/** RGB bytes `[height, width, 3]` of `passes.geometry.output`. */
export function resizeOnCpu(source: PixelSource, passes: Passes): Uint8Array<ArrayBuffer> {
  const { output, fill } = passes.geometry;
  const result = new Uint8Array(output.width * output.height * 3);
  for (let i = 0; i < result.length; i++) result[i] = fill[i % 3];
  if (passes.columns.count === 0 || passes.rows.count === 0) return result;
  resizeColumns(resizeRows(source, passes), passes, result);
  return result;
}

/** The horizontal pass: RGB `[rowCount, columns.count, 3]`, of the rows that the vertical pass reads. */
function resizeRows(source: PixelSource, passes: Passes): Uint8Array {
  const { columns, firstRow, rowCount, horizontal } = passes;
  const stride = columns.count * 3;
  const result = new Uint8Array(rowCount * stride);
  const strip = Math.max(1, Math.floor(STRIP_PIXELS / source.width));
  for (let row = 0; row < rowCount; row += strip) {
    const count = Math.min(strip, rowCount - row);
    const colours = source.rows(firstRow + row, count);
    const bytes = passes.grey ? greyOf(colours, source.channels) : colours;
    for (let y = 0; y < count; y++) {
      const from = y * source.width * source.channels;
      const to = (row + y) * stride;
      if (horizontal) convolveRow(bytes, from, source.channels, horizontal, result, to);
      else copyRow(bytes, from + columns.first * source.channels, source.channels, result, to, columns.count);
    }
  }
  return result;
}

/** Pillow's `convert('L')` in all three channels: ITU-R 601 luma in 16-bit fixed point. */
function greyOf(colours: Uint8Array | Uint8ClampedArray, channels: number): Uint8Array {
  const result = new Uint8Array(colours.length);
  for (let i = 0; i < colours.length; i += channels) {
    const luma = (19595 * colours[i] + 38470 * colours[i + 1] + 7471 * colours[i + 2] + 0x8000) >> 16;
    result.fill(luma, i, i + 3);
  }
  return result;
}

function convolveRow(
  input: Uint8Array | Uint8ClampedArray,
  from: number,
  channels: number,
  { count, taps, bounds, weights }: Coefficients,
  output: Uint8Array,
  to: number,
): void {
  for (let x = 0; x < count; x++) {
    let at = from + bounds[2 * x] * channels;
    const length = bounds[2 * x + 1];
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let k = 0; k < length; k++, at += channels) {
      const weight = weights[x * taps + k];
      red = (red + input[at] * weight) | 0;
      green = (green + input[at + 1] * weight) | 0;
      blue = (blue + input[at + 2] * weight) | 0;
    }
    output[to + 3 * x] = clamp(red >> PRECISION_BITS);
    output[to + 3 * x + 1] = clamp(green >> PRECISION_BITS);
    output[to + 3 * x + 2] = clamp(blue >> PRECISION_BITS);
  }
}

function copyRow(
  input: Uint8Array | Uint8ClampedArray,
  from: number,
  channels: number,
  output: Uint8Array,
  to: number,
  count: number,
): void {
  for (let x = 0; x < count; x++) {
    for (let c = 0; c < 3; c++) output[to + 3 * x + c] = input[from + channels * x + c];
  }
}

/** The vertical pass, into its place in the output. */
function resizeColumns(input: Uint8Array, passes: Passes, result: Uint8Array): void {
  const { geometry, columns, rows, firstRow, vertical } = passes;
  const stride = columns.count * 3;
  const sums = new Int32Array(stride);
  for (let y = 0; y < rows.count; y++) {
    const to = ((rows.at + y) * geometry.output.width + columns.at) * 3;
    if (!vertical) {
      result.set(input.subarray(y * stride, (y + 1) * stride), to);
      continue;
    }
    // Row by row, not column by column: memory is read in order.
    sums.fill(HALF);
    const first = vertical.bounds[2 * y] - firstRow;
    for (let k = 0; k < vertical.bounds[2 * y + 1]; k++) {
      const weight = vertical.weights[y * vertical.taps + k];
      const from = (first + k) * stride;
      for (let i = 0; i < stride; i++) sums[i] = (sums[i] + input[from + i] * weight) | 0;
    }
    for (let i = 0; i < stride; i++) result[to + i] = clamp(sums[i] >> PRECISION_BITS);
  }
}

function clamp(value: number): number {
  return Math.min(255, Math.max(0, value));
}
