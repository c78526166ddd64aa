/**
 * A second model beside the first, in a worker of its own, as long as there is an address for it: it is shown every photo that
 * the first has answered, the one on the stage first.
 */
import { batch, effect, untracked } from '@preact/signals-core';
import { type Conversion, checkSupport, loadViT, type Question, type ViT } from '../../index.ts';
import { Interview } from '../state/interview.ts';
import { findPhoto, isAnswered, type Photo, photos, selectedId, updatePhoto } from '../state/items.ts';
import { announce } from '../state/notices.ts';
import { describe, isFatal, modelProblem, type Problem, photoProblem } from '../state/problem.ts';
import { second } from '../state/second.ts';
import { type Backend, backend, secondAddress } from '../state/settings.ts';
import { hasLabels, judge } from '../state/verdict.ts';
import { text } from '../text/language.ts';
import { badAddress, parse } from './model.ts';

/** A batch of the library. */
const AT_ONCE = 8;
const KEPT_LABELS = 10;

let vit: ViT | null = null;
let atWork = 0;
let loading = new AbortController();
/** Of the address that it was begun with. */
let interview = new Interview();

let isComparing = false;

/** From the first call on. */
export function keepComparing(): void {
  if (isComparing) return;
  isComparing = true;
  effect(() => {
    if (secondAddress.value) interview = new Interview();
  });
  effect(() => {
    const [address, runsOn] = [secondAddress.value, backend.value];
    untracked(() => follow(address, runsOn));
  });
  effect(() => {
    // Whichever of these changes, there may be something to do. What is begun changes the photos: not within this.
    if (photos.value && second.value && selectedId.value) queueMicrotask(work);
  });
}

/** The same model once more. @param more beside what was answered before */
export function loadAgain(more: Conversion = {}): Promise<void> {
  interview.answer(more);
  return follow(secondAddress.peek(), backend.peek());
}

async function follow(address: string | null, runsOn: Backend): Promise<void> {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  vit?.dispose();
  vit = null;
  forget();
  second.value = address === null ? null : { state: 'loading', progress: null };
  if (address === null) return;
  const source = parse(address);
  if (!source) return fail(badAddress, address);
  try {
    const loaded = await loadViT(source, {
      backend: runsOn,
      convert: interview.answers,
      signal,
      onProgress(progress) {
        if (!signal.aborted && second.value?.state === 'loading') second.value = { state: 'loading', progress };
      },
    });
    const support = await checkSupport();
    if (signal.aborted) return loaded.dispose();
    if (!hasLabels(loaded.info)) {
      loaded.dispose();
      return fail(({ modelProblems }) => modelProblems['no-labels'], loaded.info.name);
    }
    vit = loaded;
    second.value = { state: 'ready', info: loaded.info, support, isReplacing: false, hasMoved: false };
    announce(text().compare.ready(loaded.info.name));
  } catch (error) {
    if (!signal.aborted) fail(modelProblem(error), describe(error), interview.questionsOf(error));
  }
}

function fail(problem: Problem, detail: string, questions: readonly Question[] = []): void {
  second.value = { state: 'failed', problem, detail, questions };
  const { title, sentence } = problem(text());
  announce(`${title}. ${sentence}`);
}

function forget(): void {
  batch(() => {
    for (const { id, second } of photos.value) if (second) updatePhoto(id, { second: null });
  });
}

function work(): void {
  for (let photo = next(); vit && photo && atWork < AT_ONCE; photo = next()) look(vit, photo);
}

function next(): Photo | undefined {
  const isOpen = (photo: Photo) => !photo.second && !!photo.file && isAnswered(photo);
  const onStage = findPhoto(selectedId.peek() ?? 0);
  return onStage && isOpen(onStage) ? onStage : photos.peek().find(isOpen);
}

async function look(asked: ViT, { id, name, file }: Photo): Promise<void> {
  atWork++;
  const give = (second: Photo['second']) => {
    if (asked === vit) updatePhoto(id, { second });
  };
  const model = asked.info.name;
  give({ state: 'working', best: [], timing: null, model, problem: null });
  try {
    const best = await asked.classify(file!, { topK: KEPT_LABELS });
    give({ state: judge(best, asked.info), best, timing: best.timing, model, problem: null });
  } catch (error) {
    if (!isFatal(error)) {
      give({ state: 'failed', best: [], timing: null, model, problem: photoProblem(error, name, file!) });
    } else if (asked === vit) {
      asked.dispose();
      vit = null;
      forget();
      fail(modelProblem(error), describe(error));
    }
  } finally {
    atWork--;
    work();
  }
}
