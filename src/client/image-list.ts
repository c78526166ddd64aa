/**
 * Several pictures in one argument: an array, a `FileList`, a `NodeList`.
 */

import { shown } from '../error.ts';
import { badInput, isObject } from './check-options.ts';
import type { ImageInput } from './image-input.ts';

/** What `classify`, `embed` and `learn` take several pictures in. */
export type ImageList = Iterable<ImageInput>;

/** What `embed` gave for a picture, in its place: asked again by other words or another head, it costs no run. */
export type Embedding = Float32Array;

export function isList(input: unknown): input is ImageList {
  return isObject(input) ? Symbol.iterator in input && !ArrayBuffer.isView(input) : Array.isArray(input);
}

export function listOf(images: ImageList): ImageInput[] {
  try {
    return [...images];
  } catch (cause) {
    throw badInput(`This list of images cannot be read: ${shown(images)}.`, cause);
  }
}
