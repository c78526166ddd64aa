/**
 * From whatever a program in Node holds a picture in to pixels.
 */
import { readFile } from 'node:fs/promises';
import { takePicture } from '../client/image-input.ts';
import { ViTError } from '../error.ts';
import { declaredSize } from '../image/declared-size.ts';
import { checkSize } from '../image/decode.ts';
import type { ImageInput, PixelData } from '../index.ts';
import type { WireImage } from '../interface.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { pathOf } from './file-addresses.ts';

/**
 * @param bytes of a picture's file
 * @param options `orientation`: whether the EXIF orientation turns the picture (`'exif'`) or not (`'stored'`)
 */
export type Decode = (bytes: Uint8Array, options: { orientation: 'exif' | 'stored' }) => PixelData | Promise<PixelData>;

/**
 * @throws ViTError `network` when an address cannot be fetched, `bad-image` for what cannot be read or decoded, `bad-input` for
 *   anything that is not a picture
 */
export async function readPicture(
  image: ImageInput,
  decode: Decode,
  { orientation = 'exif' }: Pick<Preprocess, 'orientation'>,
  signal?: AbortSignal,
): Promise<WireImage> {
  const file = await readFileOf(image, signal);
  if (!file) return takePicture(image, signal);
  const { name, bytes } = file;
  if (bytes.length === 0) throw new ViTError('bad-image', `${name} is empty (0 bytes).`);
  const declared = declaredSize(bytes);
  if (declared) checkSize(declared, name);
  try {
    return takePicture(await decode(bytes, { orientation }));
  } catch (cause) {
    if (cause instanceof ViTError && cause.code !== 'bad-image') throw cause;
    throw new ViTError('bad-image', `${name} cannot be decoded: ${(cause as Error).message}`, { cause });
  }
}

/** The bytes of an encoded picture, and what it is called in messages; null for what holds pixels, or nothing of the kind. */
async function readFileOf(
  image: ImageInput,
  signal?: AbortSignal,
): Promise<{ name: string; bytes: Uint8Array } | null> {
  if (typeof image === 'string' || image instanceof URL) {
    const path = pathOf(image);
    const name = `The image ${String(image).slice(0, 200)}`;
    if (path === null) return { name, bytes: await bytesOf((await takePicture(String(image), signal)) as Blob) };
    try {
      return { name, bytes: await readFile(path, { signal }) };
    } catch (cause) {
      throw new ViTError('bad-image', `${name} cannot be read: ${(cause as Error).message}.`, { cause });
    }
  }
  if (image instanceof Blob) return { name: 'The image', bytes: await bytesOf(image) };
  return null;
}

async function bytesOf(file: Blob): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}
