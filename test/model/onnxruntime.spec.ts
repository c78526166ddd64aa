/**
 * The engine against onnxruntime, which shares no line with it: both run the same model, one from shards, the other from the
 * ONNX file that is written for it.
 */
import * as ort from 'onnxruntime-web/wasm';
import { describe, expect, test } from 'vitest';
import { exportOnnx, readTensors } from '../../src/convert/export-onnx.ts';
import { loadViT, type ModelFiles } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { expectClose } from '../harness/arrays.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { TINY, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

/** The contract, of logits of size 1. */
const BOUND = 1e-4;

async function logitsOfOnnx({ manifest, shards }: ModelFiles, pixels: Float32Array, shape: number[]) {
  const tensors = await readTensors(manifest, shards);
  const model = { name: 'tiny', architecture: withDefaults(manifest.architecture) };
  const file = new Blob(exportOnnx(model, (name) => tensors.get(name)!) as BlobPart[]);
  const session = await ort.InferenceSession.create(await file.bytes());
  const { logits } = await session.run({ pixel_values: new ort.Tensor('float32', pixels, shape) });
  await session.release();
  return logits.data as Float32Array;
}

async function expectAgreement(files: ModelFiles, images: number): Promise<void> {
  const { channels, imageSize } = files.manifest.architecture;
  const shape = [images, channels, ...imageSize];
  const pixels = goldenPixels(7, shape);
  const vit = await loadViT(files, { worker: false, backend: 'webgpu' });
  try {
    const logits = (await vit.forward({ data: pixels, shape })).logits!.data;
    expect(logits.length).toBe(images * files.manifest.architecture.classes);
    expectClose(logits, await logitsOfOnnx(files, pixels, shape), BOUND);
  } finally {
    vit.dispose();
  }
}

describe('the logits of onnxruntime', () => {
  test.each(['gelu', 'gelu_tanh', 'quick_gelu'] as const)('a small model with %s', async (activation) =>
    expectAgreement(await tinyModel({ ...TINY, activation }), 3),
  );

  test('the embedded model', async () => {
    const folder = '/weights/vit-cifar10';
    const manifest = await (await fetch(`${folder}/model.json`)).json();
    const fetched = (manifest as ModelFiles['manifest']).shards.map(({ file }) => fetch(`${folder}/${file}`));
    const shards = await Promise.all(fetched.map(async (response) => (await response).bytes()));
    await expectAgreement({ manifest, shards }, 2);
  });
});
