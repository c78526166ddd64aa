/**
 * The model's life, as the page sees it: it loads, says what happens to it, and is given up when it answers no more.
 */
import { signal as state } from '@preact/signals-core';
import {
  type Conversion,
  checkSupport,
  type EngineEvent,
  loadViT,
  type ModelInfo,
  type Question,
  type ViT,
} from '../../index.ts';
import { MANIFEST } from '../intake/model-files.ts';
import { EMBEDDED } from '../state/catalogue.ts';
import { Interview } from '../state/interview.ts';
import { model, textProgress } from '../state/model.ts';
import { announce, notify } from '../state/notices.ts';
import { describe, modelProblem, type Problem } from '../state/problem.ts';
import { backend, chooseModel, modelAddress } from '../state/settings.ts';
import { format, text } from '../text/language.ts';
import { backendName, backendSentence } from '../text/where-it-runs.ts';

/** A model from this person's disk, in place of that at the address. */
const files = state<File[] | null>(null);

let interview = new Interview();

let vit: ViT | null = null;
let onReady = () => {};
/** Of the load that is under way: a later one makes an earlier one give up. */
let loading = new AbortController();

export function engine(): ViT | null {
  return vit;
}

/** Whether the model is the one that comes with the page, whose labels stand there before it is loaded. */
export function hasEmbeddedModel(): boolean {
  return files.value === null && [null, EMBEDDED.address].includes(modelAddress.value);
}

/** Another model: at an address, from files of this person, or, with null, the one that comes with the page. */
export function open(source: string | File[] | null): Promise<void> {
  files.value = Array.isArray(source) ? source : null;
  chooseModel(Array.isArray(source) ? null : source);
  interview = new Interview();
  return load();
}

/** The same model once more. @param more beside what was answered before */
export function answer(more: Conversion): Promise<void> {
  interview.answer(more);
  return load();
}

/** @param listener called whenever photos can be answered */
export function whenReady(listener: () => void): void {
  onReady = listener;
}

export async function load(): Promise<void> {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  vit?.dispose();
  vit = null;
  model.value = { state: 'loading', progress: null };
  const address = modelAddress.value ?? EMBEDDED.address;
  const source = files.value ?? parse(address);
  if (!source) return fail(badAddress, address);
  try {
    const loaded = await loadViT(await opened(source), {
      backend: backend.value,
      convert: interview.answers,
      signal,
      onProgress(progress) {
        // Reports come by a way of their own, and may be late.
        if (signal.aborted) return;
        if (progress.of === 'texts') textProgress.value = progress;
        else if (model.value.state === 'loading') model.value = { state: 'loading', progress };
      },
      onEvent: (event) => signal.aborted || heed(event),
    });
    const support = await checkSupport();
    if (signal.aborted) return loaded.dispose();
    vit = loaded;
    model.value = { state: 'ready', info: vit.info, support, isReplacing: false, hasMoved: false };
    announce(`${backendName(vit.info)}. ${backendSentence(vit.info, support)}`);
    onReady();
  } catch (error) {
    if (!signal.aborted) fail(modelProblem(error), describe(error), interview.questionsOf(error));
  }
}

/** A converted model is read here; the library reads the rest. */
async function opened(source: URL | File[]): Promise<Parameters<typeof loadViT>[0]> {
  if (source instanceof URL || !source.some(({ name }) => name === MANIFEST)) return source;
  return (await import('./converted.ts')).readConverted(source);
}

/** `failed` answers no more: what waits goes on waiting until a model is loaded again. */
export function giveUp(failed: ViT, error: unknown): void {
  failed.dispose();
  // Another one may have taken its place meanwhile.
  if (vit !== failed) return;
  vit = null;
  fail(modelProblem(error), describe(error));
}

function heed({ type, info }: EngineEvent): void {
  const now = model.value;
  if (now.state !== 'ready') return;
  const next = (change: { info?: ModelInfo; isReplacing?: boolean; hasMoved?: boolean }) => {
    model.value = { ...now, ...change };
  };
  const { lost, recovered, movedToCpu } = text().model;
  // A thread of the CPU's is back at once.
  const isOnGpu = now.info.backend === 'webgpu';
  switch (type) {
    case 'device-lost':
      next({ isReplacing: true });
      if (isOnGpu) announce(lost);
      break;
    case 'recovered':
      next({ info, isReplacing: false });
      if (isOnGpu) announce(recovered);
      break;
    case 'fallback':
      next({ info, isReplacing: false, hasMoved: true });
      notify(movedToCpu);
      break;
    case 'warning':
      if (info) next({ info });
  }
}

function fail(problem: Problem, detail: string, questions: readonly Question[] = []): void {
  model.value = { state: 'failed', problem, detail, questions };
  const { title, sentence } = problem(text());
  announce(`${title}. ${sentence}`);
}

export const badAddress: Problem = ({ modelProblems }) => modelProblems['bad-address'];

export function parse(address: string): URL | null {
  try {
    return new URL(address, document.baseURI);
  } catch {
    return null;
  }
}

/** `vit-cifar10: 2.7 million weights, 5.4 MB.` */
export function modelSize({ name, parameters, bytes }: ModelInfo): string {
  return text().model.size(name, format().compact(parameters), format().bytes(bytes));
}
