/**
 * How a photo of one size goes through the GPU: its coefficients as the shader reads them, and the pieces it is uploaded
 * in. Pure data.
 */
import { ceilDiv, roundUp } from '../../gpu/kernel.ts';
import { type Coefficients, PRECISION_BITS } from '../../image/filters.ts';
import type { Span } from '../../image/geometry.ts';
import type { Passes } from '../../image/passes.ts';

/** Rows `first` to `first + count` of the source. */
export interface Strip {
  first: number;
  count: number;
}

/** Columns `x` to `x + width` of a strip. */
export interface Tile {
  x: number;
  width: number;
}

/** Of what a device allows. */
export type Limits = Pick<
  GPUSupportedLimits,
  'maxTextureDimension2D' | 'maxStorageBufferBindingSize' | 'maxBufferSize'
>;

/** Copies from a texture to a buffer want rows of a multiple of 256 bytes. */
const ROW_PIXELS = 64;

export class PreprocessPlan {
  readonly passes: Passes;
  /** Pixels from one row of the source buffer to the next. */
  readonly stride: number;
  /** What is uploaded at a time; every strip but the last has the same height. */
  readonly strips: readonly Strip[];
  /** Side by side: a strip may be wider than a texture. */
  readonly tiles: readonly Tile[];
  /** Bounds, then weights. */
  readonly horizontal: AxisCoefficients;
  readonly vertical: AxisCoefficients;
  /** Whether every buffer is one that the device allows. */
  readonly fits: boolean;

  /** @param stripPixels uploaded at once, if a row has no more */
  constructor(passes: Passes, limits: Limits, stripPixels: number) {
    const { width } = passes.geometry.source;
    const { columns, rows, firstRow, rowCount } = passes;
    const { maxTextureDimension2D: maxSide } = limits;
    const maxBytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    this.passes = passes;
    this.stride = roundUp(width, ROW_PIXELS);
    const height = Math.min(rowCount, maxSide, Math.max(1, Math.floor(stripPixels / this.stride)));
    this.strips = pieces(rowCount, height).map(({ first, count }) => ({ first: firstRow + first, count }));
    this.tiles = pieces(width, maxSide).map(({ first, count }) => ({ x: first, width: count }));
    this.horizontal = packAxis(passes.horizontal, columns);
    this.vertical = packAxis(passes.vertical, rows);
    const largest = Math.max(
      this.stripBytes,
      this.middleBytes,
      this.resizedBytes,
      this.horizontal.data.byteLength,
      this.vertical.data.byteLength,
    );
    this.fits = largest <= maxBytes;
  }

  get stripBytes(): number {
    return this.stride * this.strips[0].count * 4;
  }

  /** After the horizontal pass. */
  get middleBytes(): number {
    return this.passes.rowCount * this.passes.columns.count * 4;
  }

  get resizedBytes(): number {
    return this.passes.rows.count * this.passes.columns.count * 4;
  }
}

export interface AxisCoefficients {
  taps: number;
  /** `[count, 2]` bounds, then `[count, taps]` weights. */
  data: Int32Array<ArrayBuffer>;
}

/** An axis that does not change gets one weight of one per pixel: what Pillow skips is the identity. */
function packAxis(coefficients: Coefficients | null, { first, count }: Span): AxisCoefficients {
  const taps = coefficients?.taps ?? 1;
  const data = new Int32Array(count * (2 + taps));
  if (coefficients) {
    data.set(coefficients.bounds);
    data.set(coefficients.weights, 2 * count);
  } else {
    for (let i = 0; i < count; i++) {
      data[2 * i] = first + i;
      data[2 * i + 1] = 1;
      data[2 * count + i] = 1 << PRECISION_BITS;
    }
  }
  return { taps, data };
}

function pieces(length: number, size: number): { first: number; count: number }[] {
  return Array.from({ length: ceilDiv(length, size) }, (_, i) => ({
    first: i * size,
    count: Math.min(size, length - i * size),
  }));
}
