/**
 * The embedded model on 60 images of CIFAR-10's test set, against what PyTorch computed from the f32 checkpoint.
 */
import { describe, expect, test } from 'vitest';
import { loadViT } from '../../src/index.ts';
import { expectClose } from '../harness/arrays.ts';
import { convert, fixture, haveModels, readBytes, readFloats, readJson, realModel } from '../harness/files.ts';

const MODEL = '/weights/vit-cifar10/model.json';
const golden = await readJson<{ images: string[] }>(fixture('vit-cifar10/expected.json'));
const logits = await readFloats(fixture('vit-cifar10/logits.f32'));
const images = await Promise.all(
  golden.images.map(async (name) => new Blob([await readBytes(fixture(`vit-cifar10/${name}`))])),
);

function best(row: ArrayLike<number>): number {
  return Array.from(row).reduce((best, value, i) => (value > row[best] ? i : best), 0);
}

describe('the embedded model', async () => {
  const vit = await loadViT(MODEL);

  test.for(golden.images.map((name, i) => ({ name, i })))("$name: PyTorch's best label", async ({ i }) => {
    const [{ index }] = await vit.classify(images[i]);
    expect(index).toBe(best(logits.subarray(i * 10, i * 10 + 10)));
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
  const vit = await loadViT(files);
  const ranked = await vit.classify(images, { topK: 10, activation: 'none' });
  const computed = ranked.flatMap((row) => row.sort((a, b) => a.index - b.index).map(({ score }) => score));
  // The logits are within ±5, so that the bound is the design's 1e-4, made absolute.
  expectClose(computed, logits, 1e-4 / Math.max(...logits.map(Math.abs)));
  vit.dispose();
});
