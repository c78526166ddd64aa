/**
 * A picture to what a network reads, on the CPU: decode, resize, crop, normalise.
 */

import type { Preprocess } from '../model/preprocess.ts';
import { decodeImage, type Picture } from './decode.ts';
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
    if (image instanceof Blob && 'close' in picture) picture.close();
  }
}

/**
 * `image` as normalised planes `[channels, height, width]`.
 * @throws ViTError `bad-image`, or `bad-manifest` where mean and std do not fit the channels.
 */
export async function preprocessOnCpu(
  image: Blob | Picture,
  spec: Preprocess,
  channels: number,
): Promise<Float32Array<ArrayBuffer>> {
  const { data } = await rgbOnCpu(image, spec);
  return normalize(data, normalizeTable(spec, channels), channels);
}
