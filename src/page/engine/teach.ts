/**
 * Photos into boxes, and from boxes a head: learned anew whenever one of them changes. In closed form, so that it takes as long
 * as embedding the photos that are new.
 */
import { effect, signal } from '@preact/signals-core';
import type { Embedding, Head, HeadData, ViT } from '../../index.ts';
import { type Arrivals, fromFiles } from '../intake/arrivals.ts';
import { photosIn } from '../intake/folders.ts';
import type { Held } from '../intake/transfer.ts';
import type { Photo } from '../state/items.ts';
import { model } from '../state/model.ts';
import { notify } from '../state/notices.ts';
import { describe, isFatal, type Problem, photoProblem } from '../state/problem.ts';
import { kind, question } from '../state/question.ts';
import {
  addExamples,
  type Box,
  boxes,
  type Example,
  findExample,
  nameBox,
  removeExample,
  replaceBoxes,
  setThumbnail,
} from '../state/things.ts';
import { text } from '../text/language.ts';
import { embeddingOf } from './embeddings.ts';
import { fetchPhoto } from './fetch-photo.ts';
import { engine, giveUp } from './model.ts';
import { thumbnailOf } from './thumbnail.ts';

/** Ridge regression takes the cube of them, in the page's own thread: a tenth of a second for these. */
const MOST_FOR_RIDGE = 150;
/** Digits of what a file keeps of an embedding: more than f16 has. */
const DIGITS = 5;

export type Lesson =
  | { state: 'few' | 'waiting' | 'learning' }
  | { state: 'twice'; name: string }
  /** `judged`: photos that were left out once each, of boxes with two or more. */
  | { state: 'learned'; head: Head; judged: number }
  | { state: 'failed'; detail: string };

export const lesson = signal<Lesson>({ state: 'few' });

let current = new AbortController();

effect(() => {
  const list = boxes.value;
  const isReady = model.value.state === 'ready';
  current.abort();
  current = new AbortController();
  const full = list.filter(({ examples }) => examples.length > 0);
  const twice = full.map(nameOf).find((name, i, names) => names.indexOf(name) < i);
  const vit = engine();
  if (full.length < 2) lesson.value = { state: 'few' };
  else if (twice !== undefined) lesson.value = { state: 'twice', name: twice };
  else if (!vit || !isReady) lesson.value = { state: 'waiting' };
  else learn(vit, full, current.signal);
});

/** What was learned last goes on answering while more is learned. */
effect(() => {
  const now = lesson.value;
  if (kind.value !== 'things' || ['few', 'twice', 'failed'].includes(now.state)) {
    if (question.peek()?.kind === 'things') question.value = null;
  } else if (now.state === 'learned') question.value = { kind: 'things', options: { head: now.head } };
});

async function learn(vit: ViT, full: Box[], signal: AbortSignal): Promise<void> {
  if (lesson.peek().state !== 'learned') lesson.value = { state: 'learning' };
  const groups = await Promise.all(
    full.map(async (box) => ({
      label: nameOf(box),
      embeddings: await Promise.all(box.examples.map((example) => embed(vit, example))),
    })),
  );
  // One that cannot be read was taken out, and all is learned anew.
  if (signal.aborted || !isWhole(groups)) return;
  try {
    const head = await learnFrom(vit, groups, signal);
    const judged = full.reduce((sum, { examples: { length } }) => sum + (length > 1 ? length : 0), 0);
    if (!signal.aborted) lesson.value = { state: 'learned', head, judged };
  } catch (error) {
    if (signal.aborted) return;
    if (isFatal(error)) giveUp(vit, error);
    else lesson.value = { state: 'failed', detail: describe(error) };
  }
}

interface Group {
  label: string;
  embeddings: Embedding[];
}

function isWhole(groups: { embeddings: (Embedding | null)[] }[]): groups is Group[] {
  return groups.every(({ embeddings }) => embeddings.every((embedding) => embedding !== null));
}

function learnFrom(vit: ViT, groups: Group[], signal?: AbortSignal): Promise<Head> {
  const count = groups.reduce((sum, { embeddings }) => sum + embeddings.length, 0);
  const examples = Object.fromEntries(groups.map(({ label, embeddings }) => [label, embeddings]));
  return vit.learn(examples, { method: count > MOST_FOR_RIDGE ? 'means' : 'auto', signal });
}

/** Null where it cannot be read, or the engine is gone. */
async function embed(vit: ViT, { id, name, file, embedding }: Example): Promise<Embedding | null> {
  try {
    return embedding ?? (await embeddingOf(vit, file!));
  } catch (error) {
    if (isFatal(error)) giveUp(vit, error);
    else if (findExample(id)) {
      removeExample(id);
      say(photoProblem(error, name, file!));
    }
    return null;
  }
}

function say(problem: Problem): void {
  const { title, sentence } = problem(text());
  notify(`${title}. ${sentence}`);
}

/** What its answers are called: the name that it was given, or its number. */
export function nameOf(box: Box): string {
  return box.name.trim() || text().things.box(boxes.value.findIndex(({ id }) => id === box.id) + 1);
}

// ---- Into a box ----

export function putPhoto(box: number, { name, file }: Photo): void {
  if (file) put(box, [{ name, file }]);
}

export async function putArrivals(box: number, { photos, refused }: Arrivals): Promise<void> {
  if (photos.length + refused.length === 0) notify(text().nothing.dropped);
  if (refused.length > 0) say(refused[0].problem);
  const had = await Promise.all(
    photos.map(async ({ name, file, url }) => ({ name, file: file ?? (await fetchPhoto(url!)) })),
  );
  for (const { file } of had) if (!(file instanceof Blob)) say(file);
  put(
    box,
    had.filter((one): one is { name: string; file: Blob } => one.file instanceof Blob),
  );
}

/** A folder's name becomes that of a box without one. */
export async function putHeld(box: number, { arrivals, folders }: Held): Promise<void> {
  if (folders.length === 0 || arrivals.photos.length > 0) await putArrivals(box, arrivals);
  for (const folder of folders) {
    let found = 0;
    for await (const part of photosIn(folder)) {
      found += part.length;
      put(box, fromFiles(part).photos as { name: string; file: Blob }[]);
    }
    if (found === 0) notify(text().nothing.folder(folder.name));
    else if (boxes.value.find(({ id }) => id === box)?.name.trim() === '') nameBox(box, folder.name);
  }
}

async function put(box: number, files: { name: string; file: Blob }[]): Promise<void> {
  const fresh = addExamples(
    box,
    files.map((one) => ({ ...one, embedding: null })),
  );
  // At once, so that one that cannot be read is found before there is something to learn.
  const vit = engine();
  if (vit) for (const one of fresh) embed(vit, one);
  for (const { id, file } of fresh) {
    const square = findExample(id) && (await thumbnailOf(file!));
    // Taken out meanwhile: nobody would give the URL back.
    if (square && findExample(id)) setThumbnail(id, URL.createObjectURL(square));
  }
}

// ---- As a file ----

/** A head for `classify(photo, { head })`, with the embeddings that it was learned from, so that learning can go on. No photo. */
export async function asFile(): Promise<string> {
  const now = lesson.value;
  const vit = engine();
  if (now.state !== 'learned' || !vit) return '';
  const full = boxes.value.filter(({ examples }) => examples.length > 0);
  const rows = full.map(async (box) => [
    nameOf(box),
    (await Promise.all(box.examples.map((example) => embed(vit, example))))
      .filter((embedding) => embedding !== null)
      .map((embedding) => Array.from(embedding, (value) => Number(value.toPrecision(DIGITS)))),
  ]);
  return JSON.stringify({ ...now.head.toJSON(), examples: Object.fromEntries(await Promise.all(rows)) });
}

/** Takes the place of what is in the boxes. @returns whether it could be used */
export async function fromFile(file: Blob): Promise<boolean> {
  const vit = engine();
  if (!vit) return false;
  try {
    const json = JSON.parse(await file.text()) as HeadData & { examples: Record<string, number[][]> };
    // Refused where it is no head, or another model's.
    await vit.classify(new Float32Array(json?.weights?.[0]?.length ?? 1), { head: json });
    if (!json.examples) throw new Error('It has no examples.');
    const groups = json.labels.map((label) => ({
      label,
      embeddings: (json.examples[label] ?? []).map((row) => Float32Array.from(row)),
    }));
    await learnFrom(vit, groups);
    replaceBoxes(groups.map(({ label, embeddings }) => ({ name: label, embeddings })));
    return true;
  } catch (error) {
    notify(`${text().things.badFile} ${describe(error)}`);
    return false;
  }
}
