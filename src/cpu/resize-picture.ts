/**
 * A picture resized and cropped by the kernel of wasm/, strip by strip: the same bytes that image/resize-on-cpu.ts gives.
 */
import { type Coefficients, PRECISION_BITS } from '../image/filters.ts';
import type { Span } from '../image/geometry.ts';
import type { Passes } from '../image/passes.ts';
import type { PixelSource } from '../image/pixels.ts';
import type { Arena } from './arena.ts';
import type { Kernels } from './wasm-kernels.ts';

/** Of the picture at a time: a second cache has room for it. A canvas is read as fast so as in large pieces. */
const STRIP = 2 ** 18;

/** For one picture at most: memory that was once taken stays. */
const MOST = 2 ** 26;

/**
 * @param address what lies there and behind it is overwritten
 * @returns RGB bytes `[height, width, 3]` of `passes.geometry.output`; null for what this is not for: grey, pictures that are nowhere
 * in the output, and those of many thousand rows
 */
export function resize(
  source: PixelSource,
  passes: Passes,
  kernels: Kernels,
  arena: Arena,
  address: number,
): Uint8Array<ArrayBuffer> | null {
  const { columns, rows, firstRow, rowCount, geometry } = passes;
  const { output, fill } = geometry;
  const [rowBytes, stride] = [4 * source.width, 4 * columns.count];
  const stripRows = Math.max(1, Math.floor(STRIP / rowBytes));
  const isSmall = rows.count > 0 && columns.count > 0 && rowBytes + rowCount * stride <= MOST;
  if (passes.grey || source.channels !== 4 || !isSmall) return null;

  arena.resetTo(address);
  const horizontal = placeAxis(arena, passes.horizontal, columns);
  const vertical = placeAxis(arena, passes.vertical, rows);
  const strip = arena.reserve(stripRows * rowBytes);
  // Behind a line one pixel more may be read, with no weight.
  const narrowed = arena.reserve((rowCount + 1) * stride);
  const resized = arena.reserve(rows.count * stride);
  for (let row = 0; row < rowCount; row += stripRows) {
    const count = Math.min(stripRows, rowCount - row);
    arena.octets(strip, count * rowBytes).set(source.rows(firstRow + row, count));
    kernels.resize(strip, rowBytes, 4, count, ...horizontal, columns.count, narrowed + row * stride, stride, 4);
  }
  const top = narrowed - firstRow * stride;
  kernels.resize(top, 4, stride, columns.count, ...vertical, rows.count, resized, 4, stride);

  const result = new Uint8Array(output.width * output.height * 3);
  for (let i = 0; i < result.length; i++) result[i] = fill[i % 3];
  const pixels = arena.octets(resized, rows.count * stride);
  for (let y = 0, from = 0; y < rows.count; y++) {
    let to = ((rows.at + y) * output.width + columns.at) * 3;
    for (let x = 0; x < columns.count; x++, from += 4, to += 3) {
      for (let c = 0; c < 3; c++) result[to + c] = pixels[from + c];
    }
  }
  return result;
}

/** An axis that does not change has one weight of one for each pixel. */
function placeAxis(arena: Arena, coefficients: Coefficients | null, { first, count }: Span) {
  const own = coefficients?.taps ?? 1;
  const taps = own + (own & 1);
  const bounds = arena.reserve(8 * count);
  const pairs = arena.reserve(4 * taps * count);
  const numbers = arena.integers(bounds, 2 * count);
  const halves = arena.halves(pairs, 2 * taps * count).fill(0);
  for (let i = 0; i < count; i++) {
    numbers[2 * i] = coefficients?.bounds[2 * i] ?? first + i;
    numbers[2 * i + 1] = coefficients?.bounds[2 * i + 1] ?? 1;
    for (let k = 0; k < own; k++) {
      const weight = coefficients?.weights[i * own + k] ?? 1 << PRECISION_BITS;
      const at = 2 * (i * taps + k) - (k & 1);
      halves[at] = weight;
      // The lower half is signed.
      halves[at + 2] = (weight + 0x8000) >> 16;
    }
  }
  return [bounds, pairs, taps] as const;
}
