import { expect, test } from 'vitest';
import { bestOf, compare } from '../../src/cli/compare-answers.ts';

/** Logits by index, as `classify` ranks them. */
const ranked = (...logits: number[]) =>
  logits.map((score, index) => ({ index, label: `${index}`, score })).sort((a, b) => b.score - a.score);

test('counts what is right, what agrees, and how far logits are apart', () => {
  const ones = [ranked(1, 2, 0), ranked(5, 1, 0), ranked(0, 0, 3)];
  const others = [ranked(1.5, 1, 0), ranked(5, 1, 0.25), ranked(0, 0, 3)];
  expect(compare(ones, others, [1, 1, 2])).toEqual({
    images: 3,
    top1: [2 / 3, 1 / 3],
    agreement: 2 / 3,
    largestDifference: 1,
  });
});

test('leaves out pictures that one of them could not read', () => {
  expect(compare([null, ranked(1, 0)], [ranked(9, 0), ranked(1, 0.5)], [0, 0])).toEqual({
    images: 1,
    top1: [1, 1],
    agreement: 1,
    largestDifference: 0.5,
  });
});

test('makes of logits the scores that classify gives', () => {
  const logits = ranked(0, Math.log(3), -50, -50, -50, -50);
  const single = { problemType: 'single-label', calibration: null } as const;
  expect(bestOf(logits, single).map(({ index, score }) => [index, score.toFixed(6)])).toEqual([
    [1, '0.750000'],
    [0, '0.250000'],
    ...[2, 3, 4].map((index) => [index, '0.000000']),
  ]);
  const soft = bestOf(logits, { ...single, calibration: { temperature: 1e6 } });
  expect(soft[0].score).toBeCloseTo(1 / 6, 4);
  expect(bestOf(logits, { ...single, problemType: 'multi-label' })[0].score).toBeCloseTo(0.75, 6);
});
