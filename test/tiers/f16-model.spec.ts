/**
 * A whole model with files of f32 whose weights are asked for in f16: they are rounded, and the golden, which is of numbers that
 * are not, is not to be taken for a GPU's fault.
 */
import { expect, test } from 'vitest';
import { loadViT, type ModelFiles } from '../../src/index.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { tinyModel } from '../harness/tiny-model.ts';

/** The design's, where storage is f16. */
const F16_BOUND = 2e-3;

const shape = [2, 3, 16, 16];
const pixels = random(2 * 3 * 16 * 16, 3);

async function run(files: ModelFiles, dtype: 'auto' | 'f32' | 'f16') {
  const vit = await loadViT(files, { worker: false, backend: 'webgpu', dtype });
  try {
    const test = await vit.selfTest();
    const { gpu } = await vit.memory();
    return { logits: (await vit.forward({ data: pixels, shape })).logits!.data, info: vit.info, test, gpu };
  } finally {
    vit.dispose();
  }
}

test('as a wish: rounded, in less memory, and nothing is called wrong', async () => {
  const files = await tinyModel();
  const exact = await run(files, 'auto');
  const rounded = await run(files, 'f16');
  expect([exact.info.dtype, rounded.info.dtype]).toEqual(['f32', 'f16']);
  expect(exact.test.passed).toBe(true);
  expect(rounded.test.passed).toBe(true);
  expect(rounded.test.maxError).toBeGreaterThan(exact.test.maxError);
  expect(rounded.gpu).toBeLessThan(exact.gpu);
  expectClose(rounded.logits, exact.logits, F16_BOUND);
});

test('a model that is wrong is found out all the same', async () => {
  const files = await tinyModel();
  const golden = { ...files.manifest.golden };
  golden.logits = [...golden.logits!].reverse();
  const wrong = { ...files, manifest: { ...files.manifest, golden } };
  await expect(run(wrong, 'f16')).rejects.toMatchObject({ code: 'numeric' });
});
