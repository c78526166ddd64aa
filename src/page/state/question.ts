/**
 * What the photos are asked: the model's own labels, things of one's own, or words.
 */
import { signal } from '@preact/signals-core';
import type { ClassifyOptions } from '../../index.ts';

export type Kind = 'labels' | 'things' | 'words';

/** Chosen by a person. Until there is a question of this kind, the model's own labels answer. */
export const kind = signal<Kind>('labels');

export interface Question {
  kind: Kind;
  /** For `classify`. */
  options: Pick<ClassifyOptions, 'head' | 'candidates' | 'template'>;
}

/** Null: the model's own labels. */
export const question = signal<Question | null>(null);
