/**
 * Uncompressed pixels, as the CPU path reads them: a whole picture in memory, or one that is read strip by strip because a
 * copy of all of it would not fit.
 */

/** Row-major bytes, `channels` per pixel: RGB, or RGBA whose A is ignored. */
export interface Pixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: 3 | 4;
}

/** What `ImageData` holds: outside a browser there is no such class. */
export interface RgbaPixels {
  /** `[height, width, 4]` */
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

export interface PixelSource {
  width: number;
  height: number;
  channels: 3 | 4;
  /** The bytes of `count` rows from row `first` on; valid until the next call. */
  rows(first: number, count: number): Uint8Array | Uint8ClampedArray;
}

export function pixelSource({ data, width, height, channels }: Pixels): PixelSource {
  const stride = width * channels;
  return { width, height, channels, rows: (first, count) => data.subarray(first * stride, (first + count) * stride) };
}
