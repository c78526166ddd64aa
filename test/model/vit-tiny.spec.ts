/**
 * A real checkpoint on real photographs: ViT-Tiny/16 of ImageNet, against Pillow and PyTorch, from file to label.
 * The folder is named by VIT_MODELS.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { expectClose } from '../harness/arrays.ts';
import { convert, haveModels, readBytes, readFloats, readJson, realModel } from '../harness/files.ts';

interface Golden {
  preprocess: Preprocess;
  images: { photo: string; top5: { label: string; score: number }[] }[];
}

/** PyTorch's logits reach ±20; f32 sums in another order move them by up to 5e-5, and the contract allows 5e-4. */
const LOGIT_BOUND = 5e-4;
/** The golden scores are rounded to six decimals. */
const SCORE_BOUND = 1e-4;

describe.runIf(haveModels).each(['webgpu', 'cpu'] as const)('ViT-Tiny/16 on %s', (backend) => {
  const folder = realModel('vit-tiny-patch16-224');
  let golden: Golden;
  let photos: string[];
  let vit: ViT;

  // Not while the file loads: a skipped block is read all the same, and in a bare clone there is nothing to read.
  beforeAll(async () => {
    golden = await readJson<Golden>(`${folder}/golden/expected.json`);
    photos = golden.images.map(({ photo }) => photo);
    const files = await convert(`${folder}/model.safetensors`, {
      name: 'vit-tiny',
      heads: 3,
      preprocess: golden.preprocess,
      labels: await readJson(`${folder}/labels.json`),
    });
    vit = await loadViT(files, { backend });
    return () => vit.dispose();
  });

  test("PyTorch's logits from Pillow's pixels", async () => {
    const bytes = await readBytes(`${folder}/golden/pixels.rgb`);
    const pixels = planesOf(bytes, photos.length, 224, 224);
    const { logits } = await vit.forward({ data: pixels, shape: [photos.length, 3, 224, 224] });
    expect(logits!.shape).toEqual([photos.length, 1000]);
    const expected = await readFloats(`${folder}/golden/logits.f32`);
    // expectClose scales its bound by the largest value; this one is absolute.
    const largest = expected.reduce((max, logit) => Math.max(max, Math.abs(logit)), 1);
    expectClose(logits!.data, expected, LOGIT_BOUND / largest);
  });

  test('the same best labels and scores from the photographs themselves', async () => {
    const blobs = await Promise.all(
      photos.map(async (photo) => new Blob([await readBytes(`${folder}/golden/photos/${photo}`)])),
    );
    const results = await vit.classify(blobs);
    for (const [i, { top5 }] of golden.images.entries()) {
      expect(results[i].map(({ label }) => label)).toEqual(top5.map(({ label }) => label));
      expectClose(
        results[i].map(({ score }) => score),
        top5.map(({ score }) => score),
        SCORE_BOUND,
      );
    }
  });
});

/** RGB bytes `[B, H, W, 3]` to planes `[B, 3, H, W]` normalised by mean = std = 0.5. */
function planesOf(bytes: Uint8Array, batch: number, height: number, width: number): Float32Array {
  const area = height * width;
  const planes = new Float32Array(batch * 3 * area);
  for (let i = 0; i < bytes.length; i++) {
    const pixel = Math.floor(i / 3);
    const image = Math.floor(pixel / area);
    planes[(image * 3 + (i % 3)) * area + (pixel % area)] = bytes[i] / 127.5 - 1;
  }
  return planes;
}
