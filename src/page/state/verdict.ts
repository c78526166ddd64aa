/**
 * When an answer is one: what the model's calibration says, and one half where nothing was measured.
 */
import type { Answer, ModelInfo } from '../../index.ts';

/** Below one half, all the other labels together are likelier than the best. */
const HALF = 0.5;
/** Torn between two: the second is at least half as likely as the first, and the two together are nearly everything. */
const TORN = 0.5;
const TOGETHER = 0.8;

/** Of words and things of one's own nothing was measured: the best must be twice as likely as all the others together. */
export const UNMEASURED: Judged = { problemType: 'single-label', calibration: { temperature: 1, threshold: 2 / 3 } };

type Judged = Pick<ModelInfo, 'calibration' | 'problemType'>;

/** `measured`: the scores are numbers of their own, and no shares of a whole. `seen`: the model has no labels of its own. */
export type Verdict = 'sure' | 'torn' | 'unsure' | 'measured' | 'seen';

/** A CLIP has none: it is asked with words. */
export function hasLabels({ architecture }: ModelInfo): boolean {
  return architecture.classes > 0;
}

/** @param best best first, of `classify`: it says whether it is sure where that was measured */
export function judge(best: Answer, { calibration, problemType }: Judged): Verdict {
  if (problemType === 'regression') return 'measured';
  const threshold = calibration?.threshold ?? HALF;
  const [first = 0, second = 0] = best.map(({ score }) => score);
  if (best.sure ?? first >= threshold) return 'sure';
  return second >= first * TORN && first + second >= Math.max(threshold, TOGETHER) ? 'torn' : 'unsure';
}
