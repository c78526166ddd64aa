/**
 * The softmax of one label is 1 whatever the picture shows; a regression is no probability at all.
 */
import { describe, expect, test } from 'vitest';
import { loadViT } from '../../src/index.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { type Converted, convertInMemory } from '../harness/checkpoints.ts';
import { fieldJson, openField, outputOf } from '../harness/field.ts';

const checkpoint = await openField('one-label/model.safetensors');
const config = fieldJson('one-label/config.json');
const preprocessor = fieldJson('one-label/preprocessor_config.json');

const convert = (more: object = {}) =>
  convertInMemory(checkpoint, {
    heads: undefined,
    preprocess: undefined,
    preprocessor,
    config: { ...config, ...more },
  });

const load = ({ manifest, files }: Converted) =>
  loadViT({ manifest, shards: manifest.shards.map(({ file }) => files.get(file)!) }, { backend: 'cpu', worker: false });

/** What `classify` says of a picture, and its logit. */
async function scoreOf(converted: Converted): Promise<{ score: number; logit: number; problemType: string }> {
  const vit = await load(converted);
  const data = Uint8ClampedArray.from({ length: 32 * 32 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
  const picture = { data, width: 32, height: 32 };
  const [{ score }] = await vit.classify(picture);
  const [{ score: logit }] = await vit.classify(picture, { activation: 'none' });
  const { problemType } = vit.info;
  vit.dispose();
  return { score, logit, problemType };
}

const [LOGIT] = fieldJson('one-label/expected.json').logitOfGoldenInput as number[];

describe('one label', () => {
  test.each([{}, { problem_type: 'single_label_classification' }])('%o: the sigmoid of the logit', async (more) => {
    const converted = await convert(more);
    expect(outputOf(converted, 'logits', goldenPixels(1, [1, 3, 32, 32]), 1)[0]).toBeCloseTo(LOGIT, 4);
    const { score, logit, problemType } = await scoreOf(converted);
    expect(score).toBeCloseTo(1 / (1 + Math.exp(-logit)), 6);
    expect(problemType).toBe('multi-label');
  });

  test('in a manifest of before, too', async () => {
    const { manifest } = await convert();
    const before = { ...manifest, problemType: 'single-label' };
    expect(parseManifest(before, 'model.json').problemType).toBe('multi-label');
  });

  test('has no softmax to be calibrated', async () => {
    const calibration = { temperature: 1.5 };
    const converting = convertInMemory(checkpoint, { preprocess: undefined, preprocessor, config, calibration });
    await expect(converting).rejects.toThrow('A calibration is of a softmax');
  });
});

describe('regression', () => {
  test('gives its number', async () => {
    const converted = await convert({ problem_type: 'regression' });
    expect(converted.manifest.problemType).toBe('regression');
    const logits = outputOf(converted, 'logits', goldenPixels(1, [1, 3, 32, 32]), 1);
    expect(logits[0]).toBeCloseTo(LOGIT, 4);
    const { score, logit, problemType } = await scoreOf(converted);
    expect([score, problemType]).toEqual([logit, 'regression']);
  });
});
