/**
 * Figures of an evaluation, from answers that can be counted by hand, and the folders that they come from.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { drawConfusion } from '../../src/cli/confusion-chart.ts';
import { type Answer, evaluate, thresholds, thresholdThatKeeps } from '../../src/cli/evaluation.ts';
import { imagesBelow, sortedImages } from '../../src/cli/sorted-images.ts';

const LABELS = ['cat', 'dog', 'frog'];

const answer = (truth: number, score: number, ...indices: number[]): Answer => ({
  truth,
  ranked: indices.map((index, place) => ({ index, score: place === 0 ? score : 0 })),
});

/** Two cats, one of them taken for a dog; two dogs, both right; no frog, though one dog might be one. */
const ANSWERS = [answer(0, 0.9, 0, 1), answer(0, 0.5, 1, 0), answer(1, 0.7, 1, 2), answer(1, 0.6, 1, 0)];

describe('figures', () => {
  const evaluation = evaluate(ANSWERS, LABELS);

  test('accuracy, among the best one and the best five', () => {
    expect(evaluation).toMatchObject({ images: 4, top1: 0.75, top5: 1 });
    expect(evaluate([answer(2, 0.5, 0, 1)], LABELS)).toMatchObject({ top1: 0, top5: 0 });
    const six = ['a', 'b', 'c', 'd', 'e', 'f'];
    expect(evaluate([answer(4, 0.5, 0, 1, 2, 3, 4, 5)], six)).toMatchObject({ top1: 0, top5: 1 });
    expect(evaluate([answer(5, 0.5, 0, 1, 2, 3, 4, 5)], six)).toMatchObject({ top1: 0, top5: 0 });
  });

  test('rows of the confusion are what images show, columns what they get', () => {
    expect(evaluation.confusion).toEqual([
      [1, 1, 0],
      [0, 2, 0],
      [0, 0, 0],
    ]);
  });

  test('recall is of the images that show a label, precision of those that get it', () => {
    expect(evaluation.perClass).toEqual([
      { label: 'cat', images: 2, recall: 0.5, precision: 1 },
      { label: 'dog', images: 2, recall: 1, precision: 2 / 3 },
      { label: 'frog', images: 0, recall: 0, precision: 0 },
    ]);
  });

  test('calibration: four images in bins of their own are off by 0.1, 0.5, 0.3 and 0.4', () => {
    expect(evaluation.calibrationError).toBeCloseTo((0.1 + 0.5 + 0.3 + 0.4) / 4, 12);
  });

  test('calibration: within a bin, too sure and not sure enough make up for each other; a score of 1 has a bin', () => {
    const pair = [answer(0, 0.94, 0), answer(0, 0.94, 1), answer(0, 1, 0)];
    expect(evaluate(pair, LABELS).calibrationError).toBeCloseTo((2 * 0.94 + 1 - 2) / 3, 12);
    // From 9/15 to 10/15; 10/16 lies between them.
    const inOneOfFifteen = [answer(0, 0.61, 0), answer(0, 0.66, 1)];
    expect(evaluate(inOneOfFifteen, LABELS).calibrationError).toBeCloseTo((0.61 + 0.66 - 1) / 2, 12);
  });
});

describe("a threshold for 'not sure'", () => {
  const figures = thresholds(ANSWERS, [0.3, 0.65]);
  const at = (threshold: number) => figures.find((one) => Math.abs(one.threshold - threshold) < 1e-9)!;

  test('at 0 everything is answered, and half of that is of nothing known', () => {
    expect(at(0)).toEqual({ threshold: 0, kept: 1, refused: 0, right: 0.375 });
  });

  test('an image whose score is the threshold is answered', () => {
    expect(at(0.6)).toMatchObject({ kept: 1, refused: 0.5 });
    expect(at(0.61)).toMatchObject({ kept: 2 / 3, refused: 0.5 });
    expect(at(0.65)).toMatchObject({ kept: 2 / 3, refused: 0.5 });
    expect(at(0.7)).toMatchObject({ kept: 2 / 3, refused: 1 });
  });

  test('where nothing is answered, nothing is wrong', () => {
    expect(at(1)).toEqual({ threshold: 1, kept: 0, refused: 1, right: 1 });
  });

  test('the highest that keeps as many right answers as it must is taken', () => {
    expect(thresholdThatKeeps(0.8, figures)).toMatchObject({ threshold: 0.6, kept: 1, refused: 0.5 });
    expect(thresholdThatKeeps(0.6, figures)).toMatchObject({ threshold: 0.7, kept: 2 / 3, refused: 1 });
    expect(thresholdThatKeeps(0.1, figures)).toMatchObject({ threshold: 0.9, kept: 1 / 3 });
  });

  test('a model that is never right has none to choose: 0', () => {
    expect(thresholdThatKeeps(0.8, thresholds([answer(0, 0.9, 1)], [0.3]))).toMatchObject({ threshold: 0, refused: 0 });
  });
});

describe('the chart', () => {
  test('has every count, names as text, and only classes that occur', () => {
    const svg = drawConfusion(evaluate(ANSWERS, ['<cat>', 'dog', 'frog']), 'a & b');
    expect(svg).toContain('&lt;cat>');
    expect(svg).toContain('a &amp; b: 75.00 % of 4 images');
    expect(svg).not.toContain('frog');
    expect(svg.match(/fill-opacity/g)).toHaveLength(3);
  });

  test('of a thousand classes is still a chart', () => {
    const labels = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
    const svg = drawConfusion(
      evaluate(
        labels.map((_, i) => answer(i, 0.5, (i * 7) % 1000)),
        labels,
      ),
      'many',
    );
    expect(svg.match(/fill-opacity/g)).toHaveLength(1000);
    expect(svg).not.toContain('class 1');
    expect(svg).not.toContain('NaN');
  });
});

describe('a folder sorted by class', () => {
  const root = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const put = (...path: string[]) => {
    mkdirSync(join(root, ...path.slice(0, -1)), { recursive: true });
    writeFileSync(join(root, ...path), '');
  };

  test('each image by its label: its name, one of its names, or its index', () => {
    for (const name of ['b.png', 'a.JPG', 'notes.txt', '.hidden.png']) put('good', 'tench', name);
    put('good', 'goldFISH', 'c.webp');
    put('good', '2', 'd.gif');
    put('good', '.cache', 'e.png');
    const images = sortedImages(join(root, 'good'), ['tench, Tinca tinca', 'Goldfish', 'shark']);
    const file = (...path: string[]) => join(root, 'good', ...path);
    expect(images.sort((a, b) => a.truth - b.truth)).toEqual([
      { file: file('tench', 'a.JPG'), truth: 0 },
      { file: file('tench', 'b.png'), truth: 0 },
      { file: file('goldFISH', 'c.webp'), truth: 1 },
      { file: file('2', 'd.gif'), truth: 2 },
    ]);
    expect(sortedImages(join(root, 'good'), ['tench', 'goldfish', 'shark'], 1)).toHaveLength(3);
  });

  test('folders that are no label are all named', () => {
    put('bad', 'cat', 'a.png');
    put('bad', 'unicorn', 'a.png');
    put('bad', '10', 'a.png');
    expect(() => sortedImages(join(root, 'bad'), LABELS)).toThrow(
      /the model has no label ("10", "unicorn"|"unicorn", "10"). It knows cat, dog, frog/,
    );
  });

  test('without an image it is an error', () => {
    mkdirSync(join(root, 'empty', 'cat'), { recursive: true });
    expect(() => sortedImages(join(root, 'empty'), LABELS)).toThrow(/holds no folders with images/);
    expect(() => imagesBelow(join(root, 'empty'))).toThrow(/There is no image in/);
  });

  test('images that show no label lie anywhere below', () => {
    put('unknown', 'z.png');
    put('unknown', 'deep', 'er', 'a.jpg');
    expect(imagesBelow(join(root, 'unknown'))).toEqual([
      join(root, 'unknown', 'deep', 'er', 'a.jpg'),
      join(root, 'unknown', 'z.png'),
    ]);
  });
});
