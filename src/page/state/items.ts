/**
 * The photos and their answers: the one place that knows them. Views show it, the queue fills it. What the model's own labels
 * say of a photo is its own; where other words are asked (`state/question.ts`), those answers lie over it.
 */
import { batch, computed, signal } from '@preact/signals-core';
import type { Answer as Ranking, Timing } from '../../index.ts';
import type { Problem } from './problem.ts';
import type { Verdict } from './verdict.ts';

export type PhotoState = 'waiting' | 'working' | Verdict | 'failed';

/** Never changed, but replaced: who holds the same object has nothing new to show. */
export interface Photo {
  id: number;
  name: string;
  /** Where it lies; null once it is here. */
  url: string | null;
  file: Blob | null;
  /** A sample that nobody chose: the first photo of a person takes its place. */
  isWelcome: boolean;
  state: PhotoState;
  /** A small square of it, as an object URL. */
  thumbnail: string | null;
  /** As it is shown: turned as its EXIF says. Known once it has been on the stage. */
  size: { width: number; height: number } | null;
  /** Best first. */
  best: Ranking;
  timing: Timing | null;
  /** The model that answered. */
  model: string;
  problem: Problem | null;
  /** What a second model says of it, where two are compared. */
  second: Answer | null;
}

/** What a model says of a photo. */
export type Answer = Pick<Photo, 'state' | 'best' | 'timing' | 'model' | 'problem'>;

/** A file that was seen not to be a photo without being opened. */
export interface Refused {
  name: string;
  problem: Problem;
}

export type Filter = 'all' | 'sure' | 'unsure' | 'failed';
export type Order = 'newest' | 'name' | 'label' | 'score';

/** Newest first; what came together, in its own order. */
export const photos = signal<readonly Photo[]>([]);
export const refused = signal<readonly Refused[]>([]);
export const selectedId = signal<number | null>(null);
export const filter = signal<Filter>('all');
export const order = signal<Order>('newest');

/** What a photo is by the words that are asked now; the time is that of the photo itself. */
export type Asked = Omit<Answer, 'timing'>;

/** By the photo's id; null while nothing but the model's own labels is asked. */
export const answers = signal<ReadonlyMap<number, Asked> | null>(null);

/** The photos with the answers that are shown. */
const answered = computed(() => {
  const asked = answers.value;
  return asked ? photos.value.map((photo) => merge(photo, asked.get(photo.id) ?? NOT_YET)) : photos.value;
});

export const selected = computed(() => answered.value.find(({ id }) => id === selectedId.value) ?? null);

export const counts = computed(() => {
  const result = { sure: 0, unsure: 0, failed: 0, open: 0 };
  for (const { state } of answered.value) result[groupOf(state)]++;
  return result;
});

/** Photos that the model has still to look at. */
export const openCount = computed(() => photos.value.filter(({ state }) => groupOf(state) === 'open').length);

/** Those that are shown, in the order in which they are. */
export const shown = computed(() => {
  const wanted = filter.value;
  const list = answered.value.filter(({ state }) => wanted === 'all' || groupOf(state) === wanted);
  return order.value === 'newest' ? list : [...list].sort(COMPARE[order.value]);
});

const COMPARE: Record<Exclude<Order, 'newest'>, (a: Photo, b: Photo) => number> = {
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  label: (a, b) =>
    (a.best[0]?.label ?? '\uffff').localeCompare(b.best[0]?.label ?? '\uffff') || scoreOf(b) - scoreOf(a),
  score: (a, b) => scoreOf(b) - scoreOf(a),
};

const NOT_YET: Asked = { state: 'working', best: [], model: '', problem: null };
const merged = new WeakMap<Photo, { answer: Asked; photo: Photo }>();

/** The same object as long as both are: who holds it has nothing new to show. */
function merge(photo: Photo, answer: Asked): Photo {
  if (!isAnswered(photo)) return photo;
  const last = merged.get(photo);
  if (last?.answer === answer) return last.photo;
  const next = { answer, photo: { ...photo, ...answer } };
  merged.set(photo, next);
  return next.photo;
}

export function isAnswered({ state }: Photo): boolean {
  return groupOf(state) !== 'open' && state !== 'failed';
}

export function groupOf(state: PhotoState): Exclude<Filter, 'all'> | 'open' {
  if (state === 'sure' || state === 'failed') return state;
  if (state === 'measured') return 'sure';
  return state === 'waiting' || state === 'working' ? 'open' : 'unsure';
}

function scoreOf({ best }: Photo): number {
  return best[0]?.score ?? -1;
}

let nextId = 1;

/**
 * @param behind the photo that these follow; without one they come first, and the first of them goes on the stage
 * @returns what was added
 */
export function addPhotos(
  arrivals: { name: string; file: Blob | null; url: string | null }[],
  { isWelcome = false, behind = null as number | null } = {},
): Photo[] {
  const fresh = arrivals.map(
    ({ name, file, url }): Photo => ({
      ...{ id: nextId++, name, url, file, isWelcome, state: 'waiting', thumbnail: null, size: null },
      ...{ best: [], timing: null, model: '', problem: null, second: null },
    }),
  );
  batch(() => {
    const others = without(({ isWelcome }) => isWelcome);
    const at = behind === null ? 0 : others.findIndex(({ id }) => id === behind) + 1;
    photos.value = [...others.slice(0, at), ...fresh, ...others.slice(at)];
    if ((behind === null || !selected.value) && fresh.length > 0) selectedId.value = fresh[0].id;
  });
  return fresh;
}

/** Nothing where the photo was removed meanwhile. */
export function updatePhoto(id: number, change: Partial<Photo>): void {
  const at = photos.value.findIndex((photo) => photo.id === id);
  if (at < 0) return;
  const list = photos.value.slice();
  list[at] = { ...list[at], ...change };
  photos.value = list;
}

export function findPhoto(id: number): Photo | undefined {
  return photos.value.find((photo) => photo.id === id);
}

/** The others; what goes gives its thumbnail back. */
function without(isRemoved: (photo: Photo) => boolean): Photo[] {
  return photos.value.filter((photo) => {
    if (isRemoved(photo) && photo.thumbnail) URL.revokeObjectURL(photo.thumbnail);
    return !isRemoved(photo);
  });
}

/** The stage goes on to the neighbour. */
export function removePhotos(isRemoved: (photo: Photo) => boolean): void {
  const list = shown.value;
  const at = list.findIndex(({ id }) => id === selectedId.value);
  const neighbours = [...list.slice(at + 1), ...list.slice(0, Math.max(0, at)).reverse()];
  batch(() => {
    photos.value = without(isRemoved);
    if (!selected.value)
      selectedId.value = (neighbours.find((photo) => !isRemoved(photo)) ?? photos.value[0])?.id ?? null;
  });
}

export function clearPhotos(): void {
  batch(() => {
    removePhotos(() => true);
    refused.value = [];
    filter.value = 'all';
  });
}
