/**
 * Weights of 8 bits on the GPU and on the CPU: both give the golden, which is of the rounded numbers, and the same logits.
 */
import { expect, test } from 'vitest';
import { loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { expectWithin } from '../harness/arrays.ts';
import { answersOf, type Fixture } from '../harness/families2.ts';
import { convert, fixture, readJson } from '../harness/files.ts';
import { testGpu } from '../harness/gpu.ts';

async function filesOf(dtype: 'f32' | 'i8'): Promise<ModelFiles> {
  const folder = fixture('families2/timm-qk-norm');
  const answers = answersOf(
    await readJson<Fixture>(`${folder}/expected.json`),
    await readJson(`${folder}/config.json`),
  );
  return convert(`${folder}/model.safetensors`, { name: dtype, ...answers, dtype, shardBytes: 8192 });
}

async function logitsOf(vit: ViT): Promise<Float32Array> {
  const shape = [2, 3, ...vit.info.architecture.imageSize];
  const { logits } = await vit.forward({ data: goldenPixels(5, shape), shape });
  expect((await vit.selfTest()).passed).toBe(true);
  vit.dispose();
  return logits!.data;
}

test('the GPU and the CPU give the same, which is near to what f32 gives', async () => {
  const files = await filesOf('i8');
  const { device } = await testGpu();
  const gpu = await logitsOf(await loadViT(files, { backend: 'webgpu', device, worker: false }));
  const cpu = await logitsOf(await loadViT(files, { backend: 'cpu', worker: false }));
  expectWithin(gpu, cpu, 1e-4);
  const exact = await logitsOf(await loadViT(await filesOf('f32'), { backend: 'cpu', worker: false }));
  expectWithin(cpu, exact, 0.05);
  expect(cpu).not.toEqual(exact);
});
