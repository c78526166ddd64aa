/**
 * The state of the model: how far it is loaded, where it runs, or why it cannot.
 */
import { signal } from '@preact/signals-core';
import type { ModelInfo, Progress, Question, Support } from '../../index.ts';
import type { Problem } from './problem.ts';

export type ModelState =
  | { state: 'loading'; progress: Progress | null }
  /** `isReplacing`: the GPU was lost, and another one is on its way. */
  | { state: 'ready'; info: ModelInfo; support: Support; isReplacing: boolean; hasMoved: boolean }
  /** `questions`: what a checkpoint does not say of itself. */
  | { state: 'failed'; problem: Problem; detail: string; questions: readonly Question[] };

export const model = signal<ModelState>({ state: 'loading', progress: null });

/** Of a text tower, which comes with the first words. */
export const textProgress = signal<Progress | null>(null);
