/**
 * From answers to figures: accuracy, confusion, calibration, and what a threshold for 'not sure' would do.
 */

/** The best labels of one image, best first. */
export interface Answer {
  /** Index of the label that the image shows. */
  truth: number;
  ranked: { index: number; score: number }[];
}

export interface ClassFigures {
  label: string;
  images: number;
  /** Share of its images that get this label. */
  recall: number;
  /** Share of the answers with this label that are right; 0 where there is none. */
  precision: number;
}

export interface Evaluation {
  images: number;
  /** Shares of images whose label is the best, and among the five best. */
  top1: number;
  top5: number;
  /** Expected calibration error: |accuracy - score|, over 15 bins of the best score, weighted by their images. */
  calibrationError: number;
  perClass: ClassFigures[];
  /** Images by the label they show (row) and the label they get (column). */
  confusion: number[][];
}

export function evaluate(answers: Answer[], labels: string[]): Evaluation {
  const confusion = labels.map(() => new Array<number>(labels.length).fill(0));
  for (const { truth, ranked } of answers) confusion[truth][ranked[0].index]++;
  const among = (most: number) =>
    share(answers, ({ truth, ranked }) => ranked.slice(0, most).some(({ index }) => index === truth));
  return {
    images: answers.length,
    top1: among(1),
    top5: among(5),
    calibrationError: calibrationError(answers),
    perClass: labels.map((label, i) => {
      const images = sum(confusion[i]);
      const given = sum(confusion.map((row) => row[i]));
      const right = confusion[i][i];
      return { label, images, recall: right / (images || 1), precision: right / (given || 1) };
    }),
    confusion,
  };
}

const BINS = 15;

function calibrationError(answers: Answer[]): number {
  const bins = Array.from({ length: BINS }, () => ({ right: 0, score: 0 }));
  for (const { truth, ranked } of answers) {
    const [{ index, score }] = ranked;
    const bin = bins[Math.min(BINS - 1, Math.floor(score * BINS))];
    bin.score += score;
    if (index === truth) bin.right++;
  }
  return sum(bins.map(({ right, score }) => Math.abs(right - score))) / answers.length;
}

export interface ThresholdFigures {
  threshold: number;
  /** Share of rightly labelled images whose score is not below the threshold. */
  kept: number;
  /** Share of images that show none of the labels whose score is below it. */
  refused: number;
  /** Share of right answers among the images, known and unknown alike in number, that get one. */
  right: number;
}

/**
 * @param answers to images of the labels
 * @param unknown best scores of images that show none of the labels
 * @returns thresholds from 0 to 1 in steps of 0.01
 */
export function thresholds(answers: Answer[], unknown: number[]): ThresholdFigures[] {
  const right = answers.filter(({ truth, ranked }) => ranked[0].index === truth);
  return Array.from({ length: 101 }, (_, i) => {
    const threshold = i / 100;
    const refused = share(unknown, (score) => score < threshold);
    const isKept = ({ ranked }: Answer) => ranked[0].score >= threshold;
    const answered = share(answers, isKept) + 1 - refused;
    const rightAndKept = right.filter(isKept).length;
    return {
      threshold,
      kept: share(right, isKept),
      refused,
      right: answered === 0 ? 1 : rightAndKept / answers.length / answered,
    };
  });
}

/** The highest threshold that keeps this share of the right answers: it refuses most of the others. */
export function thresholdThatKeeps(share: number, figures: ThresholdFigures[]): ThresholdFigures {
  return figures.filter(({ kept }) => kept >= share).pop() ?? figures[0];
}

function share<T>(items: T[], has: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(has).length / items.length;
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
