/**
 * From one row of scores to the best labels.
 */
import { shown } from '../error.ts';
import { badInput } from './check-options.ts';

export interface Classification {
  /** Of the class, in the order of the model's labels. */
  index: number;
  label: string;
  /** A probability with `softmax` and `sigmoid`; the logit itself with `none`. */
  score: number;
}

export interface RankOptions {
  /** How many labels to give at most. Default 5. */
  topK?: number;
  /** Labels below this score are left out. */
  scoreThreshold?: number;
  /** Only these labels (by name or index) are considered; scores are not renormalised. A name means all its classes. */
  allow?: (string | number)[];
  /** These labels (by name or index) are left out. */
  deny?: (string | number)[];
}

/**
 * @returns best first; equal scores in the order of the classes.
 * @throws ViTError `bad-input` for a `topK` that is not a positive integer, and for labels the model does not have.
 */
export function rank(
  scores: ArrayLike<number>,
  labels: string[],
  { topK = 5, scoreThreshold = -Infinity, allow, deny }: RankOptions = {},
): Classification[] {
  if (!Number.isInteger(topK) || topK < 1) {
    throw badInput(`topK must be a whole number from 1 on, not ${shown(topK)}.`);
  }
  const allowed = allow && classIndices(allow, labels, 'allow');
  const denied = deny && classIndices(deny, labels, 'deny');
  return Array.from(scores, (score, index) => ({ index, label: labels[index], score }))
    .filter(({ index, score }) => score >= scoreThreshold && allowed?.has(index) !== false && !denied?.has(index))
    .sort((a, b) => b.score - a.score)
    .slice(0, topK);
}

/** Of two classes with one name (ImageNet has two cranes) both are meant. */
function classIndices(names: (string | number)[], labels: string[], option: string): Set<number> {
  const known = new Set<unknown>([...labels, ...labels.keys()]);
  for (const name of names) if (!known.has(name)) throw badInput(`${option}: the model has no class ${shown(name)}.`);
  const wanted = new Set<unknown>(names);
  return new Set([...labels.keys()].filter((index) => wanted.has(index) || wanted.has(labels[index])));
}
