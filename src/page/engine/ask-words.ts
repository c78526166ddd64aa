/**
 * Words that are asked as they are typed: of models with a text tower. A photo is looked at once, a word is read once.
 */
import { effect, signal } from '@preact/signals-core';
import type { ViT } from '../../index.ts';
import { isAnswered, photos, selected } from '../state/items.ts';
import { model, textProgress } from '../state/model.ts';
import { describe, isFatal } from '../state/problem.ts';
import { kind, question } from '../state/question.ts';
import { embeddingOf } from './embeddings.ts';
import { engine, giveUp } from './model.ts';

/** As they were typed. */
export const words = signal('');
/** Null: the model's own. */
export const template = signal<string | null>(null);

export type Asking =
  | { state: 'none' | 'one' | 'no-place' | 'asking' }
  | { state: 'asked'; count: number }
  | { state: 'failed'; detail: string };

export const asking = signal<Asking>({ state: 'none' });

/** Nobody wants the answer to half a word. */
const PAUSE_MS = 250;

let timer = 0;
let current = new AbortController();

effect(() => {
  const [typed, sentence, chosen, now] = [words.value, template.value, kind.value, model.value];
  clearTimeout(timer);
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const list = listOf(typed);
  const vit = engine();
  const isSigmoid = now.state === 'ready' && now.info.architecture.text?.logitBias !== undefined;
  if (chosen !== 'words' || list.length === 0) settle({ state: 'none' });
  else if (list.length === 1 && !isSigmoid) settle({ state: 'one' });
  else if (sentence !== null && !sentence.includes('{}')) settle({ state: 'no-place' });
  else if (vit && now.state === 'ready' && now.info.words) {
    timer = window.setTimeout(() => ask(vit, list, sentence, signal), PAUSE_MS);
  }
});

/** Without a question the model's own labels answer. */
function settle(now: Asking): void {
  asking.value = now;
  if (question.peek()?.kind === 'words') question.value = null;
}

async function ask(vit: ViT, candidates: string[], sentence: string | null, signal: AbortSignal): Promise<void> {
  const options = { candidates, ...(sentence !== null && { template: sentence }) };
  asking.value = { state: 'asking' };
  try {
    // The words are read, and may be refused, before all photos are asked.
    const photo = [selected.peek(), ...photos.peek()].find((photo) => photo?.file && isAnswered(photo));
    if (photo) await vit.classify(await embeddingOf(vit, photo.file!), { ...options, signal });
    if (signal.aborted) return;
    textProgress.value = null;
    asking.value = { state: 'asked', count: candidates.length };
    question.value = { kind: 'words', options };
  } catch (error) {
    if (signal.aborted) return;
    if (isFatal(error)) giveUp(vit, error);
    else settle({ state: 'failed', detail: describe(error) });
  }
}

/** One per line, or with commas between them; each once. */
export function listOf(typed: string): string[] {
  const list = typed.split(/[\n,，、;；]+/).map((word) => word.trim());
  return [...new Set(list.filter((word) => word !== ''))];
}
