/**
 * Things of one's own: boxes with names, and a few photos in each.
 */
import { signal } from '@preact/signals-core';
import type { Embedding } from '../../index.ts';

export interface Example {
  id: number;
  name: string;
  /** Null where only its embedding came, in a file. */
  file: Blob | null;
  embedding: Embedding | null;
}

/** Never changed, but replaced. */
export interface Box {
  id: number;
  /** As it was typed; may be empty. */
  name: string;
  examples: readonly Example[];
}

let nextId = 1;

export const boxes = signal<readonly Box[]>([newBox(), newBox()]);
/** Small squares of examples, as object URLs. */
export const thumbnails = signal<ReadonlyMap<number, string>>(new Map());

function newBox(name = ''): Box {
  return { id: nextId++, name, examples: [] };
}

export function addBox(): Box {
  const box = newBox();
  boxes.value = [...boxes.value, box];
  return box;
}

export function removeBox(id: number): void {
  for (const { examples } of boxes.value.filter((box) => box.id === id)) giveBack(examples);
  boxes.value = boxes.value.filter((box) => box.id !== id);
  while (boxes.value.length < 2) addBox();
}

export function nameBox(id: number, name: string): void {
  change(id, (box) => ({ ...box, name }));
}

/** Nothing where the box was removed meanwhile. */
export function addExamples(id: number, added: Pick<Example, 'name' | 'file' | 'embedding'>[]): Example[] {
  const examples = added.map((one) => ({ ...one, id: nextId++ }));
  change(id, (box) => ({ ...box, examples: [...box.examples, ...examples] }));
  return examples;
}

export function removeExample(id: number): void {
  const box = boxes.value.find(({ examples }) => examples.some((example) => example.id === id));
  if (!box) return;
  giveBack(box.examples.filter((example) => example.id === id));
  change(box.id, (box) => ({ ...box, examples: box.examples.filter((example) => example.id !== id) }));
}

export function findExample(id: number): Example | undefined {
  return boxes.value.flatMap(({ examples }) => examples).find((example) => example.id === id);
}

export function setThumbnail(id: number, url: string): void {
  thumbnails.value = new Map(thumbnails.value).set(id, url);
}

/** Others in place of all. */
export function replaceBoxes(named: { name: string; embeddings: Embedding[] }[]): void {
  for (const { examples } of boxes.value) giveBack(examples);
  boxes.value = named.map(({ name, embeddings }) => ({
    ...newBox(name),
    examples: embeddings.map((embedding) => ({ id: nextId++, name: '', file: null, embedding })),
  }));
}

function change(id: number, how: (box: Box) => Box): void {
  boxes.value = boxes.value.map((box) => (box.id === id ? how(box) : box));
}

function giveBack(examples: readonly Example[]): void {
  const left = new Map(thumbnails.value);
  for (const { id } of examples) {
    if (left.has(id)) URL.revokeObjectURL(left.get(id)!);
    left.delete(id);
  }
  thumbnails.value = left;
}
