/**
 * Several pictures in one argument: an array, a `FileList`, a `NodeList`.
 */

import { shown } from '../error.ts';
import type { ImageInput } from './image-input.ts';
import { badInput, isObject } from './options.ts';

/** What `classify`, `embed` and `learn` take several pictures in. */
export type ImageList = Iterable<ImageInput>;

export function isList(input: ImageInput | ImageList): input is ImageList {
  return isObject(input) ? Symbol.iterator in input && !ArrayBuffer.isView(input) : Array.isArray(input);
}

export function listOf(images: ImageList): ImageInput[] {
  try {
    return [...images];
  } catch (cause) {
    throw badInput(`This list of images cannot be read: ${shown(images)}.`, cause);
  }
}
