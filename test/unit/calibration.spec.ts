/**
 * How far scores may be believed: in manifests, in the converter's file, and in the scores themselves.
 */
import { describe, expect, test } from 'vitest';
import { answerOf } from '../../src/client/answer.ts';
import { applySoftmax } from '../../src/client/logits-to-scores.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { convertInMemory, fixtureJson, openFixture } from '../harness/checkpoints.ts';

const CALIBRATION = { temperature: 1.25, threshold: 0.6 };

describe('softmax at a temperature', () => {
  test('by hand: log 4 and 0 are 4 to 1 at temperature 1, 2 to 1 at 2, 16 to 1 at one half', () => {
    for (const [temperature, odds] of [
      [1, 4],
      [2, 2],
      [0.5, 16],
    ]) {
      const row = Float32Array.of(Math.log(4), 0);
      applySoftmax(row, temperature);
      expect(row[0]).toBeCloseTo(odds / (odds + 1), 6);
      expect(row[0] + row[1]).toBeCloseTo(1, 6);
    }
  });

  test('large logits do not overflow', () => {
    const row = Float32Array.of(3e38, -3e38, 3e38);
    applySoftmax(row, 1e-3);
    expect([...row]).toEqual([0.5, 0, 0.5]);
  });
});

describe('an answer is sure', () => {
  const ranked = (...scores: number[]) => scores.map((score, index) => ({ index, label: `${index}`, score }));
  const sure = (scores: number[], calibration: Parameters<typeof answerOf>[1]) =>
    answerOf(ranked(...scores), calibration).sure;

  test('from the threshold on, of the best label where each has its own', () => {
    expect(sure([0.6, 0.4], { temperature: 1, threshold: 0.6 })).toBe(true);
    expect(sure([0.59, 0.41], { temperature: 1, threshold: 0.6 })).toBe(false);
    const calibration = { temperature: 1, threshold: 0.6, thresholds: [0.9, 0] };
    expect(sure([0.89, 0.11], calibration)).toBe(false);
    expect(sure([0.9, 0.1], calibration)).toBe(true);
    expect(answerOf(ranked(0.3, 0.7).reverse(), calibration).sure).toBe(true);
  });

  test('never without a label, and it is not known where it was not measured', () => {
    expect(sure([], { temperature: 1, threshold: 0, thresholds: [0] })).toBe(false);
    expect(sure([1], { temperature: 1 })).toBeUndefined();
    expect(sure([1], null)).toBeUndefined();
  });

  test('beside the labels: an array of them stays one', () => {
    expect(answerOf(ranked(0.6, 0.4), CALIBRATION)).toEqual(ranked(0.6, 0.4));
  });
});

describe('in a manifest', async () => {
  const { manifest } = await convertInMemory(await openFixture('timm-vit'), { calibration: CALIBRATION });
  const parse = (changes: object) =>
    parseManifest({ ...JSON.parse(JSON.stringify(manifest)), ...changes }, 'model.json');

  test('the converter writes it, and it is read again', () => {
    expect(manifest.calibration).toEqual(CALIBRATION);
    expect(parse({}).calibration).toEqual(CALIBRATION);
    for (const calibration of [{ temperature: 2 }, { ...CALIBRATION, thresholds: [0, 0.5, 1, 0.25, 0.75, 0.1, 0.9] }])
      expect(parse({ calibration }).calibration).toEqual(calibration);
  });

  test('it may be left out', () => {
    const { calibration, ...without } = manifest;
    expect(parseManifest(without, 'model.json')).not.toHaveProperty('calibration');
  });

  test.each([
    [{ temperature: 0 }, /calibration\.temperature is 0; it must be above 0/],
    [{ temperature: -1 }, /calibration\.temperature is -1/],
    [{ temperature: '1' }, /calibration\.temperature must be a number/],
    [{ threshold: 0.5 }, /calibration\.temperature is missing/],
    [{ temperature: 1, threshold: 1.1 }, /calibration\.threshold is 1\.1; it must be from 0 to 1/],
    [{ temperature: 1, threshold: null }, /calibration\.threshold must be a number/],
    [{ ...CALIBRATION, thresholds: [0.5] }, /calibration\.thresholds has 1 entries instead of 7/],
    [
      { ...CALIBRATION, thresholds: [0, 0, 0, 0, 0, 0, -0.1] },
      /calibration\.thresholds\[6\] is -0\.1; it must be from 0 to 1/,
    ],
    [{ ...CALIBRATION, thresholds: 0.5 }, /calibration\.thresholds must be an array/],
    [{ temperature: 1, thresholds: [0, 0, 0, 0, 0, 0, 0] }, /calibration\.threshold is missing/],
    [null, /calibration must be an object/],
  ])('%j is refused', (calibration, message) => {
    expect(() => parse({ calibration })).toThrow(
      expect.objectContaining({ code: 'bad-manifest', message: expect.stringMatching(message) }),
    );
  });

  test('a model without a softmax has none', async () => {
    expect(() => parse({ problemType: 'multi-label' })).toThrow(/calibration is of a model that gives no softmax/);
    const config = { ...fixtureJson('hf-vit/config.json'), problem_type: 'multi_label_classification' };
    const converting = convertInMemory(await openFixture('hf-vit'), { config, calibration: CALIBRATION });
    await expect(converting).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('Leave the calibration out'),
    });
  });

  test('the converter refuses another number of thresholds than of labels', async () => {
    const calibration = { ...CALIBRATION, thresholds: [0.5, 0.5] };
    await expect(convertInMemory(await openFixture('timm-vit'), { calibration })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'calibration: 2 thresholds for 7 labels.',
    });
  });
});
