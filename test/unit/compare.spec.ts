import { expect, test } from 'vitest';
import { compare } from '../../src/cli/compare.ts';

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
