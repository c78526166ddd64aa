/**
 * Photos that wait, looked at in the order in which they came. Several are under way at once: the library computes calls
 * that wait as one batch, and each gets its own answer or its own error.
 */
import { signal } from '@preact/signals-core';
import type { ViT } from '../../index.ts';
import {
  addPhotos,
  clearPhotos,
  counts,
  findPhoto,
  openCount,
  type Photo,
  photos,
  removePhotos,
  updatePhoto,
} from '../state/items.ts';
import { announce, notify } from '../state/notices.ts';
import { isFatal, type Problem, photoProblem } from '../state/problem.ts';
import { hasLabels, judge } from '../state/verdict.ts';
import { format, text } from '../text/language.ts';
import { scoreText } from '../text/score.ts';
import { embeddingOf } from './embeddings.ts';
import { fetchPhoto } from './fetch-photo.ts';
import { engine, giveUp } from './model.ts';

/** Two batches of the library: while one is computed, the next one is at hand. */
const AT_ONCE = 16;
/** Of more photos than this the answers are not read out one by one. */
const READ_OUT = 5;
/** What is kept of the ranking, whatever is shown of it. */
const KEPT_LABELS = 10;

/** Since the queue was last empty: how many photos are done, and when the first of them was begun. */
export const run = signal<{ done: number; since: number } | null>(null);

let atWork = 0;
const waiting: number[] = [];

/** Takes photos in, and looks at them as soon as there is a model. */
export function enqueue(...args: Parameters<typeof addPhotos>): Photo[] {
  const fresh = addPhotos(...args);
  waiting.push(...fresh.map(({ id }) => id));
  begin();
  work();
  return fresh;
}

/** Fills what is free. Called whenever a photo or a model comes, or a photo is done. */
export function work(): void {
  const vit = engine();
  while (vit && atWork < AT_ONCE && waiting.length > 0) {
    const photo = findPhoto(waiting.shift()!);
    // Removed meanwhile.
    if (photo?.state === 'waiting') look(vit, photo);
  }
}

export function retry({ id }: Photo): void {
  updatePhoto(id, { state: 'waiting', problem: null });
  waiting.push(id);
  begin();
  work();
}

/** All of them, by another model. */
export function lookAgain(): void {
  for (const { id, state } of photos.value) {
    if (state === 'waiting' || state === 'working') continue;
    updatePhoto(id, { state: 'waiting', best: [], timing: null, problem: null });
    waiting.push(id);
  }
  begin();
}

/** Those not yet looked at go away again. */
export function stop(): void {
  const ids = new Set(waiting.splice(0));
  if (ids.size === 0) return;
  removePhotos(({ id }) => ids.has(id));
  notify(text().strip.stopped(ids.size, format()));
  finish();
}

/** Everything goes away, also what is being looked at. */
export function clear(): void {
  waiting.length = 0;
  run.value = null;
  clearPhotos();
}

async function look(vit: ViT, photo: Photo): Promise<void> {
  atWork++;
  if (run.value && run.value.since === 0) run.value = { ...run.value, since: performance.now() };
  updatePhoto(photo.id, { state: 'working' });
  try {
    const file = photo.file ?? (await fetchPhoto(photo.url!));
    if (!(file instanceof Blob)) fail(photo, file);
    else {
      updatePhoto(photo.id, { file });
      await answer(vit, photo, file);
    }
  } finally {
    atWork--;
    countDone(photo.id);
    work();
  }
}

async function answer(vit: ViT, photo: Photo, file: Blob): Promise<void> {
  try {
    const { info } = vit;
    if (!hasLabels(info)) {
      const { timing } = await embeddingOf(vit, file);
      updatePhoto(photo.id, { state: 'seen', timing, model: info.name });
      return;
    }
    const best = await vit.classify(file, { topK: KEPT_LABELS });
    const state = judge(best, info);
    updatePhoto(photo.id, { state, best, timing: best.timing, model: info.name });
    if (!isReadOut()) return;
    const ranking = best.slice(0, 3).map(({ label, score }) => `${label} ${scoreText(score, state)}`);
    const { said } = text();
    const isAnswer = state === 'sure' || state === 'measured';
    announce(isAnswer ? said.answer(photo.name, ranking[0]) : said.unsure(photo.name, ranking.join(', ')));
  } catch (error) {
    if (!isFatal(error)) return fail(photo, photoProblem(error, photo.name, file));
    giveUp(vit, error);
    updatePhoto(photo.id, { state: 'waiting' });
    waiting.unshift(photo.id);
  }
}

function fail({ id }: Photo, problem: Problem): void {
  updatePhoto(id, { state: 'failed', problem });
  if (!isReadOut()) return;
  const { title, sentence } = problem(text());
  announce(text().said.failed(title, sentence));
}

function isReadOut(): boolean {
  return (run.value?.done ?? 0) + openCount.value < READ_OUT;
}

function begin(): void {
  run.value ??= { done: 0, since: 0 };
}

/** Not one that was removed, nor one that was given back for want of a model. */
function countDone(id: number): void {
  const state = findPhoto(id)?.state ?? 'waiting';
  if (run.value && state !== 'waiting') run.value = { ...run.value, done: run.value.done + 1 };
  finish();
}

function finish(): void {
  if (!run.value || openCount.value > 0) return;
  if (run.value.done > READ_OUT) {
    const { sure, unsure, failed } = counts.value;
    announce(text().strip.summary(photos.value.length, sure, unsure, failed, format()));
  }
  run.value = null;
}
