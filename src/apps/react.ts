/**
 * Hooks for React: a model that components share, and what is in a picture.
 */
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Answer, ClassifyOptions, ImageInput, Timed, ViT, ViTError } from '../index.ts';
import { LOADING, type ModelState, type SharedOptions, type Source, sharedModel } from './shared-model.ts';

export type { ModelState, SharedOptions, Source } from './shared-model.ts';

/**
 * A model, from the first component that asks for it until the last one is gone. Components with the same address and the same
 * options share it. On a server it is `loading`.
 * @param source as of `loadViT`; null for none yet
 * @param options as of `loadViT`, without its functions; compared by what is in them
 */
export function useViT(source: Source | null, options: SharedOptions = {}): ModelState {
  const key = JSON.stringify(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new object with the same in it is the same options
  const model = useMemo(() => (source === null ? null : sharedModel(source, options)), [source, key]);
  const use = useMemo(() => (listener: () => void) => model?.use(listener) ?? (() => {}), [model]);
  const read = () => model?.state ?? LOADING;
  return useSyncExternalStore(use, read, () => LOADING);
}

export interface ClassifyState {
  status: 'idle' | 'running' | 'done' | 'failed';
  /** Best first, and whether they are `sure`; those of the picture before while the next one runs. Null before the first answer. */
  labels: Timed<Answer> | null;
  /** Null unless it has failed. */
  error: ViTError | null;
}

const IDLE: ClassifyState = { status: 'idle', labels: null, error: null };

/**
 * What is in a picture. Another picture, or an unmount, aborts the call before.
 * @param vit of `useViT`; null while there is none
 * @param image null for none yet
 * @param options as of `classify`; compared by what is in them, a `head` too
 */
export function useClassify(
  vit: ViT | null,
  image: ImageInput | null,
  options: Omit<ClassifyOptions, 'signal'> = {},
): ClassifyState {
  const [state, setState] = useState(IDLE);
  const key = JSON.stringify(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new object with the same in it is the same options
  useEffect(() => {
    if (!vit || image === null) {
      setState(IDLE);
      return;
    }
    const call = new AbortController();
    const { signal } = call;
    const set = (next: (before: ClassifyState) => ClassifyState) => signal.aborted || setState(next);
    set((before) => ({ ...before, status: 'running', error: null }));
    vit.classify(image, { ...options, signal }).then(
      (labels) => set(() => ({ status: 'done', labels, error: null })),
      (error) => set(() => ({ status: 'failed', labels: null, error })),
    );
    return () => call.abort();
  }, [vit, image, key]);
  return vit && image !== null ? state : IDLE;
}
