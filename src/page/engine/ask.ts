/**
 * Asks every photo what is asked now, the one on the stage first. It costs one run of a photo, whatever is asked after that.
 */
import { effect } from '@preact/signals-core';
import type { ViT } from '../../index.ts';
import { type Asked, answers, findPhoto, isAnswered, type Photo, photos, selectedId } from '../state/items.ts';
import { model } from '../state/model.ts';
import { isFatal, photoProblem } from '../state/problem.ts';
import { type Kind, type Question, question } from '../state/question.ts';
import { judge, UNMEASURED } from '../state/verdict.ts';
import { embeddingOf } from './embeddings.ts';
import { engine, giveUp } from './model.ts';

/** Two batches of the library. */
const AT_ONCE = 16;
const KEPT_LABELS = 10;

let atWork = 0;
let lastKind: Kind = 'labels';
/** What each photo was asked last. */
const asked = new Map<number, Question>();
/** To the question before, until there is one to this. */
const given = new Map<number, Asked>();

let isAsking = false;

/** From the first call on. */
export function keepAsking(): void {
  if (isAsking) return;
  isAsking = true;
  effect(() => {
    // Whatever of these changes, there may be something to do.
    const [now] = [question.value, photos.value, selectedId.value, model.value.state];
    const kind = now?.kind ?? 'labels';
    if (kind !== lastKind) {
      lastKind = kind;
      asked.clear();
      given.clear();
      answers.value = now && new Map();
    }
    work();
  });
}

function work(): void {
  const vit = engine();
  const now = question.peek();
  if (!vit || !now) return;
  for (let photo = next(now); photo && atWork < AT_ONCE; photo = next(now)) look(vit, photo, now);
}

function next(now: Question): Photo | undefined {
  const isOpen = (photo: Photo) => !!photo.file && isAnswered(photo) && asked.get(photo.id) !== now;
  const onStage = findPhoto(selectedId.peek() ?? 0);
  return onStage && isOpen(onStage) ? onStage : photos.peek().find(isOpen);
}

async function look(vit: ViT, { id, name, file }: Photo, now: Question): Promise<void> {
  atWork++;
  asked.set(id, now);
  try {
    const best = await vit.classify(await embeddingOf(vit, file!), { ...now.options, topK: KEPT_LABELS });
    give(id, now, { state: judge(best, UNMEASURED), best, model: `${vit.info.name}, ${now.kind}`, problem: null });
  } catch (error) {
    if (isFatal(error)) {
      asked.delete(id);
      giveUp(vit, error);
    } else give(id, now, { state: 'failed', best: [], model: '', problem: photoProblem(error, name, file!) });
  } finally {
    atWork--;
    work();
  }
}

function give(id: number, to: Question, answer: Asked): void {
  if (asked.get(id) !== to || question.peek()?.kind !== to.kind) return;
  given.set(id, answer);
  answers.value = new Map(given);
}
