/**
 * What both parts of `bench/preprocess.js` measure, in the browser and in Node.
 */
import type { Preprocess } from '../src/model/preprocess.ts';

/** timm's for ViT-Tiny/16: the usual one. */
export const SPEC: Preprocess = {
  resize: { mode: 'shortest-edge', size: 248, rounding: 'trunc' },
  filter: 'bicubic',
  crop: { height: 224, width: 224, rounding: 'half-even' },
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};
export const SIDE = 224;

const ROUNDS = 5;

/** Of a photo of 4:3. */
export function sizeOf(megapixels: number): { width: number; height: number } {
  const width = Math.round(Math.sqrt((megapixels * 1e6 * 4) / 3));
  return { width, height: Math.round((width * 3) / 4) };
}

interface RawImage {
  clone(): RawImage;
}

/** transformers.js with the same pipeline: it decodes on a canvas or by sharp, and resizes so, too, or in JavaScript. */
export async function timeTransformersJs(
  library: {
    RawImage: { fromBlob(file: Blob): Promise<RawImage> };
    ViTImageProcessor: new (config: unknown) => (image: RawImage) => Promise<unknown>;
  },
  file: Blob,
): Promise<Record<string, number>> {
  const { RawImage, ViTImageProcessor } = library;
  const process = new ViTImageProcessor({
    do_resize: true,
    size: { shortest_edge: 248 },
    resample: 3,
    do_center_crop: true,
    crop_size: { height: SIDE, width: SIDE },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: SPEC.mean,
    image_std: SPEC.std,
  });
  const image = await RawImage.fromBlob(file);
  return {
    'transformers.js decode': await median(() => RawImage.fromBlob(file), 3),
    // It resizes in place, so each round has a copy.
    'transformers.js process': await median(() => process(image.clone()), 3),
  };
}

/** Milliseconds. */
export async function median(work: () => Promise<unknown>, rounds = ROUNDS): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return round(times[rounds >> 1]);
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
