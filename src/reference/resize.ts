/**
 * Resize and crop, one output byte after the other, straight from the formula. The oracle of the resize kernel and of
 * `image/resize-on-cpu.ts`; Pillow's own bytes are the oracle of both (`test/fixtures/preprocess`).
 *
 * Each pass is out = clamp(floor((2^21 + Σ byte * weight) / 2^22), 0, 255), columns first; a pass without coefficients
 * copies.
 */
import { type Coefficients, PRECISION_BITS } from '../image/filters.ts';
import type { Passes } from '../image/passes.ts';
import type { PixelSource } from '../image/pixels.ts';

const UNIT = 2 ** PRECISION_BITS;

/** RGB bytes `[height, width, 3]` of `passes.geometry.output`. */
export function resize(source: PixelSource, passes: Passes): Uint8Array {
  const { columns, rows, firstRow, rowCount, horizontal, vertical, geometry } = passes;
  const { output, fill } = geometry;
  const result = Uint8Array.from({ length: output.width * output.height * 3 }, (_, i) => fill[i % 3]);
  if (columns.count === 0 || rows.count === 0) return result;
  const bytes = source.rows(firstRow, rowCount);
  const colour = (x: number, y: number, c: number) => bytes[(y * source.width + x) * source.channels + c];
  const luma = (x: number, y: number) =>
    Math.floor((19595 * colour(x, y, 0) + 38470 * colour(x, y, 1) + 7471 * colour(x, y, 2)) / 65536 + 0.5);
  const pixel = passes.grey ? luma : colour;
  const narrowed = (x: number, y: number, c: number) => weighted(horizontal, x, columns.first, (at) => pixel(at, y, c));
  for (let y = 0; y < rows.count; y++) {
    for (let x = 0; x < columns.count; x++) {
      const to = ((rows.at + y) * output.width + columns.at + x) * 3;
      for (let c = 0; c < 3; c++) {
        // Rows of `bytes` are counted from the first that any output needs.
        result[to + c] = weighted(vertical, y, rows.first, (at) => narrowed(x, at - firstRow, c));
      }
    }
  }
  return result;
}

/** Output `index` of a pass; without coefficients what lies `first` further on. */
function weighted(
  coefficients: Coefficients | null,
  index: number,
  first: number,
  input: (at: number) => number,
): number {
  if (!coefficients) return input(first + index);
  const { taps, bounds, weights } = coefficients;
  let sum = UNIT / 2;
  for (let k = 0; k < bounds[2 * index + 1]; k++) sum += input(bounds[2 * index] + k) * weights[index * taps + k];
  return Math.min(255, Math.max(0, Math.floor(sum / UNIT)));
}
