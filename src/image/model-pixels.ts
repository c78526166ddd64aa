/**
 * A picture to the bytes that a model sees of it, on the CPU: decode, resize, crop.
 */

import type { Preprocess } from '../model/preprocess.ts';
import { decodeImage, isFile, type Picture } from './decode.ts';
import { normalize, normalizeTable } from './normalize.ts';
import { planPasses } from './passes.ts';
import type { PixelSource } from './pixels.ts';
import { pictureSource } from './read-pixels.ts';
import { resizeOnCpu } from './resize.ts';

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
 * @throws ViTError `bad-image`
 */
export async function rgbOnCpu(image: Blob | Picture, spec: Preprocess): Promise<RgbImage> {
  const picture = await decodeImage(image, spec);
  try {
    return resizeToSpec(pictureSource(picture, spec.background), spec);
  } finally {
    if (isFile(image) && 'close' in picture) picture.close();
  }
}

/**
 * From pictures to normalised planes `[channels, height, width]`.
 * @throws ViTError `bad-manifest` where mean and std do not fit the channels
 */
export function pixelsOf(spec: Preprocess, channels: number): (picture: Picture) => Float32Array<ArrayBuffer> {
  const table = normalizeTable(spec, channels);
  return (picture) => {
    const { data } = resizeToSpec(pictureSource(picture, spec.background), spec);
    return normalize(data, table, channels);
  };
}
