/**
 * From a picture in transit to pixels. The browser decodes; what this file adds are the settings under which its bytes
 * are Pillow's, a limit that is checked before memory is taken, and errors that say what to do.
 *
 * Measured in Chromium 156 against Pillow 12.3, all bytes equal: JPEG (baseline, progressive, 4:4:4, grey, CMYK), PNG
 * (8 and 16 bit, palette, grey, with and without alpha), WebP (lossless, lossy), BMP, GIF, the first frame of animated
 * PNG, GIF and WebP; JPEG and PNG turned by their EXIF. Different are transparent pixels of a GIF (black here; Pillow
 * knows their palette colour), 16-bit grey PNG (the high byte here; Pillow clips at 255) and WebP with an EXIF
 * orientation (not turned here). SVG has no pixels of its own and is refused.
 */
import { ViTError } from '../error.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { declaredSize } from './declared-size.ts';
import type { Size } from './geometry.ts';
import { withoutOrientation } from './orientation.ts';
import type { RgbaPixels } from './pixels.ts';

/** Pillow's limit, beyond which it reports a decompression bomb: 716 MB of RGBA. */
export const MAX_PIXELS = 178_956_970;

/** A decoded picture; pixels are as many as their size says. An `ImageBitmap` made from a `Blob` is the caller's to close. */
export type Picture = ImageBitmap | RgbaPixels;

export type DecodeOptions = Pick<Preprocess, 'orientation'>;

/** Pixels as stored: no colour management, no multiplication by alpha. */
const AS_STORED: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

/** Enough for every header but that of a JPEG with much metadata. */
const HEADER_BYTES = 1 << 16;

/** Of any realm: an iframe has a class of its own. */
export function isFile(image: Blob | Picture): image is Blob {
  return !('width' in image);
}

/**
 * @throws ViTError `bad-image` for what is empty, larger than `MAX_PIXELS`, gone meanwhile, or nothing that is decoded here.
 */
export async function decodeImage(image: Blob | Picture, options: DecodeOptions = {}): Promise<Picture> {
  if (!isFile(image)) {
    checkSize(image);
    return image;
  }
  const name = nameOf(image);
  if (image.size === 0) throw new ViTError('bad-image', `${name} is empty (0 bytes): give a PNG, JPEG, WebP or GIF.`);
  let file = image;
  try {
    const declared = await headerSize(image);
    if (declared) checkSize(declared, name);
    if (options.orientation === 'stored') file = await withoutOrientation(image);
  } catch (cause) {
    if (cause instanceof ViTError) throw cause;
    throw new ViTError('bad-image', `${name} cannot be read: it was moved, changed or closed since.`, { cause });
  }
  if (typeof createImageBitmap === 'undefined' || typeof OffscreenCanvas === 'undefined') {
    throw new ViTError('bad-image', `${name} cannot be decoded outside a browser: give { data, width, height }.`);
  }
  const bitmap = await decode(file, name);
  try {
    checkSize(bitmap, name);
  } catch (error) {
    bitmap.close();
    throw error;
  }
  return bitmap;
}

async function headerSize(file: Blob): Promise<Size | null> {
  const read = async (bytes: number) => declaredSize(new Uint8Array(await file.slice(0, bytes).arrayBuffer()));
  return (await read(HEADER_BYTES)) ?? (await read(16 * HEADER_BYTES));
}

async function decode(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, AS_STORED);
  } catch (cause) {
    const advice = (await isSvg(file))
      ? 'is an SVG, which has no pixels of its own: draw it on a canvas at the size you want, and give the canvas.'
      : 'is not an image that this browser can decode: give a PNG, JPEG, WebP or GIF.';
    throw new ViTError('bad-image', `${name} ${advice}`, { cause });
  }
}

async function isSvg(file: Blob): Promise<boolean> {
  return file.type.startsWith('image/svg') || /<svg[\s>]/.test(await file.slice(0, 1024).text());
}

function nameOf(image: Blob): string {
  const { name } = image as Partial<File>;
  return name ? `The image ${name}` : `The image (${image.type || 'unknown type'}, ${image.size} bytes)`;
}

/** @throws ViTError `bad-image` for more than `MAX_PIXELS`, and for none */
export function checkSize({ width, height }: Size, name = 'The image'): void {
  if (width * height > MAX_PIXELS) {
    throw new ViTError(
      'bad-image',
      `${name} has ${width} x ${height} pixels; the limit is ${MAX_PIXELS} pixels. Give a smaller one.`,
    );
  }
  if (width < 1 || height < 1) throw new ViTError('bad-image', `${name} has ${width} x ${height} pixels: none.`);
}
