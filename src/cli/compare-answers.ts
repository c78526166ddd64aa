/**
 * Two models' answers to the same pictures: what one of them loses against the other.
 */
import { applySigmoid, applySoftmax } from '../client/logits-to-scores.ts';
import type { Classification, ModelInfo } from '../index.ts';

export interface Comparison {
  images: number;
  /** Of the one, and of the other. */
  top1: [number, number];
  /** Share of the pictures to which both give the same best label. */
  agreement: number;
  /** Of all logits of all pictures. */
  largestDifference: number;
}

/** All labels of one picture with their logits, best first; `null` of one that could not be read. */
type Logits = Classification[] | null;

/** What `classify` gives by itself: the five best labels with their scores. */
export function bestOf(
  logits: Classification[],
  { problemType, calibration }: Pick<ModelInfo, 'problemType' | 'calibration'>,
): Classification[] {
  const scores = Float32Array.from(logits, ({ score }) => score);
  if (problemType === 'single-label') applySoftmax(scores, calibration?.temperature ?? 1);
  else applySigmoid(scores);
  return logits.slice(0, 5).map((best, i) => ({ ...best, score: scores[i] }));
}

/** @param truths the label of each picture, by index */
export function compare(ones: Logits[], others: Logits[], truths: number[]): Comparison {
  const right = [0, 0];
  let [images, same] = [0, 0];
  let largestDifference = 0;
  for (const [i, truth] of truths.entries()) {
    const [one, other] = [ones[i], others[i]];
    if (!one || !other) continue;
    images++;
    right[0] += Number(one[0].index === truth);
    right[1] += Number(other[0].index === truth);
    same += Number(one[0].index === other[0].index);
    const logits = new Map(other.map(({ index, score }) => [index, score]));
    for (const { index, score } of one) {
      largestDifference = Math.max(largestDifference, Math.abs(score - logits.get(index)!));
    }
  }
  return { images, top1: [right[0] / images, right[1] / images], agreement: same / images, largestDifference };
}
