/**
 * The embedded model on 60 images of CIFAR-10's test set, against what PyTorch computes from the same numbers, and an f32
 * checkpoint of that architecture on the same images.
 */
import { describe, expect, test } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import { expectClose } from '../harness/arrays.ts';
import { convert, fixture, haveModels, readBytes, readFloats, readJson, realModel } from '../harness/files.ts';
import { once } from '../harness/once.ts';

const MODEL = '/weights/vit-cifar10/model.json';
const golden = await readJson<{ images: string[] }>(fixture('vit-cifar10/expected.json'));
const logits = await readFloats(fixture('vit-cifar10/logits.f32'));
const images = await Promise.all(
  golden.images.map(async (name) => new Blob([await readBytes(fixture(`vit-cifar10/${name}`))])),
);

function best(row: ArrayLike<number>): number {
  return Array.from(row).reduce((best, value, i) => (value > row[best] ? i : best), 0);
}

/** The design's bound, made absolute: the logits are within ±10. */
const BOUND = 1e-4;

function largest(values: Float32Array): number {
  return Math.max(...values.map(Math.abs));
}

/** Of all images, in one call. */
async function logitsOf(vit: ViT): Promise<number[]> {
  const ranked = await vit.classify(images, { topK: 10, activation: 'none' });
  return ranked.flatMap((row) => row.sort((a, b) => a.index - b.index).map(({ score }) => score));
}

/** Images that are also shown one by one. */
const ALONE = 12;

describe('the embedded model', async () => {
  const vit = await loadViT(MODEL, { backend: 'webgpu' });
  const together = once(() => logitsOf(vit));
  const answers = once(() => Promise.all(images.slice(0, ALONE).map((image) => vit.classify(image, { topK: 10 }))));
  const rowOf = (values: ArrayLike<number>, i: number) => Array.from(values).slice(i * 10, i * 10 + 10);

  test.for(golden.images.map((name, i) => ({ name, i })))("$name: PyTorch's best label", async ({ i }) => {
    expect(best(rowOf(await together(), i))).toBe(best(rowOf(logits, i)));
  });

  test("PyTorch's logits, from the image files", async () => {
    // f16 on disk, f32 in arithmetic, on both sides.
    expectClose(await together(), logits, BOUND / largest(logits));
  });

  test('the scores are those logits at the temperature of the model', async () => {
    const { calibration } = vit.info;
    for (const [i, row] of (await answers()).entries()) {
      const powers = rowOf(logits, i).map((logit) => Math.exp(logit / calibration!.temperature));
      const sum = powers.reduce((a, b) => a + b);
      for (const { index, score } of row) expect(score).toBeCloseTo(powers[index] / sum, 4);
    }
  });

  test('an answer is sure from the threshold of its label on, and only where scores are probabilities', async () => {
    const { threshold, thresholds } = vit.info.calibration!;
    const least = ({ index }: { index: number }) => thresholds?.[index] ?? threshold!;
    const sure = (await answers()).map(({ sure }) => sure);
    expect(sure).toEqual((await answers()).map(([best]) => best.score >= least(best)));
    expect(new Set(sure)).toEqual(new Set([true, false]));
    expect((await vit.classify(images.slice(0, 4))).map(({ sure }) => sure)).toEqual(sure.slice(0, 4));
    expect((await vit.classify(images[0], { activation: 'none' })).sure).toBeUndefined();
  });

  test('the self-test holds', async () => {
    expect(await vit.selfTest()).toMatchObject({ passed: true });
  });
});

test.runIf(haveModels)("the f32 checkpoint gives PyTorch's logits, from the image files", async () => {
  const files = await convert(realModel('vit-cifar10/model.safetensors'), {
    name: 'vit-cifar10',
    heads: 3,
    preprocess: {
      resize: { mode: 'squash', height: 32, width: 32 },
      filter: 'bilinear',
      crop: null,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    labels: await readJson(realModel('vit-cifar10/labels.json')),
  });
  const vit = await loadViT(files, { backend: 'webgpu' });
  const expected = await readFloats(realModel('vit-cifar10/golden/logits.f32'));
  expectClose(await logitsOf(vit), expected, BOUND / largest(expected));
  vit.dispose();
});
