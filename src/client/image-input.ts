/**
 * From whatever a page holds a picture in to what the engine takes: a compressed `Blob` (decoded in the worker), or
 * pixels that can be moved there.
 *
 * An element is read as it is, and its address is not asked for again: that may give another picture than the one shown,
 * no end (a camera) or no answer. In Chromium the bytes are those of the file all the same, but for PNG of 16 bits (off
 * by one). Classes are known by their names: an iframe has classes of its own, and Node lacks most of them.
 */
import { shown, ViTError } from '../error.ts';
import type { WireImage } from '../interface.ts';

export type ImageInput =
  | Blob
  | string
  | URL
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame
  | ImageBitmap
  | ImageData
  | PixelData;

/** Bytes, row by row: red, green, blue, and alpha where there are four per pixel. */
export interface PixelData {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

/** Colours as they are stored: no colour management, no multiplication by alpha. */
const AS_STORED: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
/** Colours as they are shown, in sRGB: a canvas may have a colour space of its own. */
const AS_SHOWN: ImageBitmapOptions = { premultiplyAlpha: 'none' };

const ACCEPTED =
  'File, Blob, address, <img>, <canvas>, OffscreenCanvas, <video>, VideoFrame, ImageBitmap, ImageData, { data, width, height }';

/** How a picture is taken from its caller: `takePicture`, or what takes its place outside a browser. */
export type Take = typeof takePicture;

/**
 * A picture, at once where it is at hand: what its caller does to it afterwards changes nothing.
 * @throws ViTError `network` when an address cannot be fetched, `bad-image` when an element holds no picture or one that
 *   may not be read, `bad-input` for anything that is not a picture; at once or later.
 */
export function takePicture(image: ImageInput, signal?: AbortSignal): WireImage | Promise<WireImage> {
  if (typeof image === 'string') return fetchImage(image, signal);
  const kind = Object.prototype.toString.call(image).slice(8, -1);
  switch (kind) {
    case 'URL':
      return fetchImage(String(image), signal);
    case 'Blob':
    case 'File': {
      const file = image as File;
      // One of an iframe is never read once that is gone.
      return file instanceof Blob ? file : new File([file], (file as File).name ?? '', { type: (file as File).type });
    }
    case 'HTMLImageElement':
      return readElement(image as HTMLImageElement);
    case 'ImageBitmap':
      return readPixels(image as ImageBitmap, AS_STORED, kind);
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas':
    case 'HTMLVideoElement':
    case 'VideoFrame':
      return readPixels(image as HTMLCanvasElement, AS_SHOWN, kind);
    case 'ImageData': {
      const { pixelFormat = 'rgba-unorm8', colorSpace } = image as ImageData & { pixelFormat?: string };
      if (pixelFormat !== 'rgba-unorm8' || colorSpace !== 'srgb') return readPixels(image as ImageData, AS_SHOWN, kind);
    }
  }
  if (image && ArrayBuffer.isView((image as PixelData).data)) return copyPixels(image as PixelData);
  throw new ViTError('bad-input', `Not an image: ${shown(image)}. Give one of: ${ACCEPTED}.`);
}

/**
 * The pictures of one call, at once where all of them are at hand.
 * @throws ViTError that of `takePicture`, of the first that fails; the others are closed
 */
export function takePictures(
  images: ImageInput[],
  signal?: AbortSignal,
  take: Take = takePicture,
): WireImage[] | Promise<WireImage[]> {
  const taken = images.map((image) => {
    try {
      return take(image, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  });
  if (!taken.some((picture) => picture instanceof Promise)) return taken as WireImage[];
  const all = Promise.all(taken);
  all.catch(() => {
    for (const picture of taken)
      Promise.resolve(picture).then(
        (one) => closePictures([one]),
        () => {},
      );
  });
  return all;
}

export function closePictures(pictures: WireImage[]): void {
  for (const picture of pictures) if ('close' in picture) picture.close();
}

async function readElement(image: HTMLImageElement): Promise<ImageBitmap> {
  if (!image.complete) {
    // Would wait until somebody scrolls there.
    if (image.loading === 'lazy') throw unreadable('This <img> is not loaded yet. Wait for its load event.');
    // Fails with what is broken, or with another address that was set meanwhile: what is shown then counts.
    await image.decode().catch(() => {});
  }
  if (image.naturalWidth === 0 && !image.currentSrc) {
    throw unreadable('This <img> has no source. Set its src, and wait for its load event.');
  }
  return readPixels(image, AS_STORED, `<img> (${image.currentSrc.slice(0, 100)})`);
}

/** A copy of what an element shows, which may cross to a worker. */
async function readPixels(source: ImageBitmapSource, options: ImageBitmapOptions, kind: string): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(source, options);
  } catch (cause) {
    throw unreadable(`This ${kind} holds no picture (yet), or none that can be read.`, cause);
  }
  try {
    // Moved once here: pixels of another origin are refused by whatever reads them, in words that name nothing.
    return structuredClone(bitmap, { transfer: [bitmap] });
  } catch (cause) {
    bitmap.close();
    const way = 'Set crossorigin="anonymous" on what it shows, and have its server send Access-Control-Allow-Origin.';
    throw unreadable(`This ${kind} shows a picture of another origin, which may not be read. ${way}`, cause);
  }
}

function unreadable(message: string, cause?: unknown): ViTError {
  return new ViTError('bad-image', message, { cause });
}

function copyPixels({ data, width, height }: PixelData): WireImage {
  const count = [width, height].every(Number.isInteger) ? width * height : 0;
  const channels = data.length / count;
  if (data.BYTES_PER_ELEMENT !== 1 || !(count > 0) || (channels !== 3 && channels !== 4)) {
    throw unreadable(
      `These pixels are ${shown(width)} x ${shown(height)}, with ${data.length} values of ${data.BYTES_PER_ELEMENT} bytes: ` +
        'give 4 bytes for each (RGBA), or 3 (RGB).',
    );
  }
  const rgba = new Uint8ClampedArray(count * 4).fill(255);
  if (channels === 4) rgba.set(data);
  else for (let i = 0; i < count; i++) rgba.set(data.subarray(i * 3, i * 3 + 3), i * 4);
  return { data: rgba, width, height };
}

async function fetchImage(address: string, signal?: AbortSignal): Promise<Blob> {
  const failed = (why: string, cause?: unknown) =>
    new ViTError('network', `Could not fetch the image ${address.slice(0, 200)}${why}`, { cause });
  try {
    const response = await fetch(address, { signal });
    if (!response.ok) throw failed(`: HTTP ${response.status}.`);
    if (response.headers.get('content-type')?.startsWith('multipart/')) {
      await response.body?.cancel();
      throw failed(': it is a stream without an end. Give the <img> that shows it.');
    }
    const blob = await response.blob();
    // Named, so that a message about it can say which one is meant.
    return new File([blob], address, { type: blob.type });
  } catch (error) {
    if (error instanceof ViTError) throw error;
    throw failed('. Is the address right, and is CORS allowed?', error);
  }
}
