/**
 * What a model expects of its pixels: a manifest's `preprocess`. Pure data; `image/` carries it out.
 *
 * Sizes are in pixels. Resizing happens on bytes, before the division by 255, as in every Python pipeline.
 */
export const FILTERS = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const;

/** Pillow's resampling filters, by Pillow's names. */
export type Filter = (typeof FILTERS)[number];

export type Resize =
  /** To exactly height x width, whatever the aspect ratio. */
  | { mode: 'squash'; height: number; width: number }
  /** The shorter edge becomes `size`; the longer one `size * long / short`, truncated (torchvision, HF) or rounded (timm). */
  | { mode: 'shortest-edge'; size: number; rounding: 'trunc' | 'round' }
  /** The longer edge becomes `size`; a crop of `size` x `size` then pads the rest. */
  | { mode: 'longest-edge'; size: number; rounding: 'trunc' | 'round' }
  /**
   * About in proportion, to as many patches of `size` x `size` as fit into `most` (SigLIP 2 NaFlex): what the model sees has
   * a shape of its own for each picture.
   */
  | { mode: 'patches'; size: number; most: number };

/** A centred crop. Where the image is smaller than the crop, the rest is `fill`. */
export interface Crop {
  height: number;
  width: number;
  /**
   * How an odd remainder is halved: HF takes the floor, torchvision and timm Python's `round` (half to even). Where the
   * image is smaller than the crop, HF's odd row of padding comes before it, torchvision's and timm's after it.
   */
  rounding: 'floor' | 'half-even';
  /** RGB bytes of the padding; black unless given. */
  fill?: [number, number, number];
}

export interface Preprocess {
  /** RGB bytes that transparent pixels show; without it alpha is dropped, as by Pillow's `convert('RGB')`. */
  background?: [number, number, number];
  /** Turn the picture as its EXIF says (`'exif'`, the default), or take the pixels as stored. */
  orientation?: 'exif' | 'stored';
  resize: Resize | null;
  filter: Filter;
  crop: Crop | null;
  /** Per channel, in units of the rescaled pixel (0..1): `(byte / 255 - mean) / std`. */
  mean: number[];
  std: number[];
}

/**
 * The same for another image size: every size in proportion, and the crop exactly. A picture whose shorter edge is scaled
 * still covers the whole crop, whatever its shape; one whose longer edge is scaled still lies within it.
 *
 * @param from [height, width] of the images that `preprocess` gives
 */
export function preprocessAt(preprocess: Preprocess, from: readonly number[], to: readonly number[]): Preprocess {
  const { resize, crop } = preprocess;
  const factors = [to[0] / from[0], to[1] / from[1]];
  return {
    ...preprocess,
    resize: resize && resizeAt(resize, factors, to),
    crop: crop && { ...crop, height: to[0], width: to[1] },
  };
}

function resizeAt(resize: Resize, factors: readonly number[], to: readonly number[]): Resize {
  switch (resize.mode) {
    case 'squash': {
      const [height, width] = [Math.round(resize.height * factors[0]), Math.round(resize.width * factors[1])];
      return { ...resize, height, width };
    }
    case 'shortest-edge':
      return { ...resize, size: Math.round(resize.size * Math.max(...factors)) };
    case 'longest-edge':
      return { ...resize, size: Math.round(resize.size * Math.min(...factors)) };
    case 'patches':
      return { mode: 'squash', height: to[0], width: to[1] };
  }
}
