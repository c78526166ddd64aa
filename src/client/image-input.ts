/**
 * From whatever a page holds a picture in to what the engine takes: a compressed `Blob` (decoded in the worker), or
 * pixels that can be moved there.
 */
import { ViTError } from '../error.ts';
import type { WireImage } from '../interface.ts';

export type ImageInput =
  | Blob
  | string
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame
  | ImageBitmap
  | ImageData;

/** Pixels as they are stored: no colour management, no multiplication by alpha. */
const AS_STORED: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

/**
 * @throws ViTError `network` when a URL cannot be fetched, `bad-image` when an element holds no picture,
 *   `bad-input` for anything that is not a picture.
 */
export async function toWireImage(image: ImageInput, signal?: AbortSignal): Promise<WireImage> {
  if (typeof image === 'string') return fetchImage(image, signal);
  if (image instanceof Blob) return image;
  if (isA('HTMLImageElement', image)) {
    const { currentSrc } = image as HTMLImageElement;
    if (!currentSrc)
      throw new ViTError('bad-image', 'This <img> has no source. Set its src, and wait for its load event.');
    // The file behind it, not what is drawn: that is scaled and colour-managed.
    return fetchImage(currentSrc, signal);
  }
  if (isA('ImageData', image)) {
    const { data, width, height } = image as ImageData;
    return new ImageData(new Uint8ClampedArray(data), width, height);
  }
  if (!PIXEL_SOURCES.some((name) => isA(name, image))) {
    throw new ViTError('bad-input', `Not an image: ${nameOf(image)}. Give one of: ${ACCEPTED}.`);
  }
  try {
    return await createImageBitmap(image as ImageBitmapSource, AS_STORED);
  } catch (cause) {
    throw new ViTError('bad-image', `This ${image.constructor.name} holds no picture (yet).`, { cause });
  }
}

const PIXEL_SOURCES = ['HTMLCanvasElement', 'OffscreenCanvas', 'HTMLVideoElement', 'VideoFrame', 'ImageBitmap'];
const ACCEPTED =
  'File, Blob, URL string, HTMLImageElement, HTMLCanvasElement, OffscreenCanvas, HTMLVideoElement, VideoFrame, ' +
  'ImageBitmap, ImageData';

/** `instanceof` by name: in a worker most of these classes do not exist. */
function isA(name: string, value: unknown): boolean {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === 'function' && value instanceof type;
}

function nameOf(value: unknown): string {
  return value === null || typeof value !== 'object' ? String(value) : (value.constructor?.name ?? 'object');
}

async function fetchImage(url: string, signal?: AbortSignal): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    throw new ViTError('network', `Could not fetch the image ${url}. Is the address right, and is CORS allowed?`, {
      cause,
    });
  }
  if (!response.ok) throw new ViTError('network', `Could not fetch the image ${url}: HTTP ${response.status}.`);
  const blob = await response.blob();
  // Named, so that a message about it can say which one is meant.
  return new File([blob], url, { type: blob.type });
}
