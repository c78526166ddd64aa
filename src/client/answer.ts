/**
 * The labels of a picture, best first, and whether they are an answer at all. `sure` is a property that is neither listed nor
 * copied, so that an array of labels stays one.
 */
import type { Calibration } from '../weights/manifest.ts';
import type { Classification } from './rank.ts';

export interface Answer extends Array<Classification> {
  /**
   * Whether the best label is to be believed: its score reaches what was measured for it, `info.calibration`. False for a picture
   * of something else, and where several labels compete; undefined where nothing was measured, as of words and `learn`'s heads.
   */
  readonly sure?: boolean;
}

/** @param calibration of the scores; null where they are no probabilities at its temperature */
export function answerOf(ranked: Classification[], calibration: Calibration | null): Answer {
  const [best] = ranked;
  const least = calibration?.thresholds?.[best?.index] ?? calibration?.threshold;
  return Object.defineProperty(ranked, 'sure', { value: least === undefined ? least : best?.score >= least });
}
