/**
 * A picture to what a network reads, on the CPU: decode, resize, crop, normalise. The path of the CPU backend, and the
 * oracle of the same path on the GPU.
 */
import { decodeImage, type Picture } from '../image/decode.ts';
import { planPasses } from '../image/passes.ts';
import type { PixelSource } from '../image/pixels.ts';
import { pictureSource } from '../image/read-pixels.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { normalize, normalizeTable } from './normalize.ts';
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
