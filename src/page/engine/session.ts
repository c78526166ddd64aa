/**
 * The model's life, as the page sees it: it loads, says what happens to it, and is given up when it answers no more.
 */
import { checkSupport, type EngineEvent, loadViT, type ModelInfo, type ViT } from '../../index.ts';
import { model, textProgress } from '../state/model.ts';
import { announce, notify } from '../state/notices.ts';
import { describe, modelProblem, type Problem } from '../state/problem.ts';
import { backend, modelAddress } from '../state/settings.ts';
import { backendName, backendSentence } from '../text/backend.ts';
import { format, text } from '../text/language.ts';

const EMBEDDED = 'weights/vit-cifar10/model.json';

export const hasEmbeddedModel = modelAddress === null || modelAddress === EMBEDDED;

let vit: ViT | null = null;
let onReady = () => {};
/** Of the load that is under way: a later one makes an earlier one give up. */
let loading = new AbortController();

export function engine(): ViT | null {
  return vit;
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
  const address = parse(modelAddress ?? EMBEDDED);
  if (!address) return fail(({ modelProblems }) => modelProblems['bad-address'], modelAddress!);
  try {
    const loaded = await loadViT(address, {
      backend: backend.value,
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
    if (!signal.aborted) fail(modelProblem(error), describe(error));
  }
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

function fail(problem: Problem, detail: string): void {
  model.value = { state: 'failed', problem, detail };
  const { title, sentence } = problem(text());
  announce(`${title}. ${sentence}`);
}

function parse(address: string): URL | null {
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
