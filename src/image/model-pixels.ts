/**
 * A picture to the bytes that a model sees of it, on the CPU: decode, resize, crop.
 */

import { ViTError } from '../error.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { decodeImage, isFile, MAX_PIXELS, type Picture } from './decode.ts';
import { geometry } from './geometry.ts';
import { normalize, normalizeTable } from './normalize-bytes.ts';
import { type Passes, planPasses } from './passes.ts';
import type { PixelSource } from './pixels.ts';
import { pictureSource } from './read-pixels.ts';
import { resizeOnCpu } from './resize-on-cpu.ts';

export interface RgbImage {
  /** `[height, width, 3]` */
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

/** The bytes that the model sees of `source`. */
export function resizeToSpec(source: PixelSource, spec: Preprocess): RgbImage {
  const passes = planPasses(source, spec);
  return { data: resizeOnCpu(source, passes), ...passes.geometry.output };
}

/**
 * Decodes `image` and gives the exact bytes after resize and crop.
 * @throws ViTError `bad-image`; `bad-input` where a spec gives more pixels than a picture may have
 */
export async function rgbOnCpu(image: Blob | Picture, spec: Preprocess): Promise<RgbImage> {
  const picture = await decodeImage(image, spec);
  try {
    checkOutput(picture, spec);
    return resizeToSpec(pictureSource(picture, spec.background), spec);
  } finally {
    if (isFile(image) && 'close' in picture) picture.close();
  }
}

/** A spec of the caller's may ask for anything; a model's gives what the model takes. */
function checkOutput(picture: Picture, spec: Preprocess): void {
  const { width, height } = geometry(picture, spec).output;
  if (width * height <= MAX_PIXELS) return;
  throw new ViTError('bad-input', `resize and crop give ${width} x ${height} pixels; the limit is ${MAX_PIXELS}.`);
}

/** Gives what `resizeOnCpu` does, in another way; null for what it is not for. */
export type Resize = (source: PixelSource, passes: Passes) => Uint8Array | null;

/**
 * From pictures to normalised planes `[channels, height, width]`.
 * @throws ViTError `bad-manifest` where mean and std do not fit the channels
 */
export function pixelsOf(spec: Preprocess, channels: number) {
  const table = normalizeTable(spec, channels);
  return (picture: Picture, resize?: Resize): Float32Array<ArrayBuffer> => {
    const source = pictureSource(picture, spec.background);
    const passes = planPasses(source, spec);
    return normalize(resize?.(source, passes) ?? resizeOnCpu(source, passes), table, channels);
  };
}
