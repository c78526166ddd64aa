/**
 * Where the pixels go: from the size of a source image and a model's `preprocess` to the size after the resize and the
 * window of it that the crop keeps. Whole numbers only; filters are in `filters.ts`, pixels elsewhere.
 */

import { ViTError } from '../error.ts';
import type { Crop, Preprocess, Resize } from '../model/preprocess.ts';

export interface Size {
  width: number;
  height: number;
}

export interface Geometry {
  source: Size;
  /** The whole image after the resize, before the crop. */
  resized: Size;
  /** What the model sees. */
  output: Size;
  /** The output's first pixel in the resized image; negative where the image is smaller than the crop. */
  left: number;
  top: number;
  /** RGB bytes of output pixels outside the resized image. */
  fill: [number, number, number];
}

/** The part of one axis of the output that lies within the resized image. */
export interface Span {
  /** In the resized image. */
  first: number;
  /** In the output. */
  at: number;
  /** Pixels; 0 where the crop misses the image. */
  count: number;
}

/** @throws ViTError `bad-input` where a size of `spec` is not a positive whole number. */
export function geometry(source: Size, spec: Pick<Preprocess, 'resize' | 'crop'>): Geometry {
  const resized = spec.resize ? resizedSize(source, spec.resize) : { width: source.width, height: source.height };
  const { crop } = spec;
  if (!crop) return { source, resized, output: resized, left: 0, top: 0, fill: [0, 0, 0] };
  return {
    source,
    resized,
    output: { width: pixels(crop.width, 'crop.width'), height: pixels(crop.height, 'crop.height') },
    left: cropOffset(resized.width, crop.width, crop.rounding),
    top: cropOffset(resized.height, crop.height, crop.rounding),
    fill: crop.fill ?? [0, 0, 0],
  };
}

export function horizontalSpan({ resized, output, left }: Geometry): Span {
  return span(resized.width, output.width, left);
}

export function verticalSpan({ resized, output, top }: Geometry): Span {
  return span(resized.height, output.height, top);
}

function span(resized: number, output: number, offset: number): Span {
  const first = Math.max(0, offset);
  return { first, at: Math.max(0, -offset), count: Math.max(0, Math.min(resized, offset + output) - first) };
}

/** No edge gets shorter than one pixel, however long the other is; Pillow would refuse such an image. */
function resizedSize({ width, height }: Size, resize: Resize): Size {
  if (resize.mode === 'squash') {
    return { width: pixels(resize.width, 'resize.width'), height: pixels(resize.height, 'resize.height') };
  }
  const size = pixels(resize.size, 'resize.size');
  if (resize.mode === 'patches') return patchesOf({ width, height }, size, resize.most);
  const fixed = resize.mode === 'shortest-edge' ? Math.min(width, height) : Math.max(width, height);
  const scaled = (edge: number) => {
    if (edge === fixed) return size;
    // Each as its library writes it, since the order of operations decides about ties: torchvision and Hugging Face
    // int(size * long / short), timm round(edge / (fixed / size)).
    const exact = resize.rounding === 'trunc' ? Math.trunc((size * edge) / fixed) : halfEven(edge / (fixed / size));
    return Math.max(1, exact);
  };
  return { width: scaled(width), height: scaled(height) };
}

/** transformers' search (image_processing_siglip2.py), step by step: the largest scale that was found to fit counts. */
function patchesOf(source: Size, size: number, most: number): Size {
  const patches = (side: number, scale: number) => Math.max(1, Math.ceil((side * scale) / size));
  let low = 1e-6;
  let high = 100;
  while (high - low >= 1e-5) {
    const scale = (low + high) / 2;
    if (patches(source.width, scale) * patches(source.height, scale) > most) high = scale;
    else low = scale;
  }
  return { width: size * patches(source.width, low), height: size * patches(source.height, low) };
}

/**
 * A crop larger than the image is padded on both sides. An odd remainder goes before the image with Hugging Face's
 * `floor`, after it with torchvision's and timm's `half-even`.
 */
function cropOffset(resized: number, crop: number, rounding: Crop['rounding']): number {
  const half = (resized - crop) / 2;
  if (rounding === 'floor') return Math.floor(half);
  return half < 0 ? 0 - Math.floor(-half) : halfEven(half);
}

/** Python's `round`: halves go to the even neighbour. */
function halfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function pixels(value: number, name: string): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new ViTError('bad-input', `preprocess.${name} is ${value}: give a positive whole number of pixels.`);
}
