/**
 * Weights of 8 and 4 bits on the GPU, where they stay so, and on the CPU: all give the golden, which is of the rounded numbers, and
 * the same logits.
 */
import { describe, expect, test } from 'vitest';
import { loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { expectWithin } from '../harness/arrays.ts';
import { answersOf, type Fixture } from '../harness/families2.ts';
import { convert, fixture, readJson } from '../harness/files.ts';
import { testGpu } from '../harness/gpu.ts';

async function filesOf(dtype: 'f32' | 'i8' | 'i4'): Promise<ModelFiles> {
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

describe.each(['i8', 'i4'] as const)('%s', (dtype) => {
  test('the GPU and the CPU give the same, which is near to what f32 gives', async () => {
    const files = await filesOf(dtype);
    const { device } = await testGpu();
    const onGpu = { backend: 'webgpu', device, worker: false } as const;
    const small = await loadViT(files, onGpu);
    const widened = await loadViT(files, { ...onGpu, dtype: 'f32' });
    // Exactly: each weight has a byte, or half of one, in place of four, and its scale is there besides.
    const saved = Object.values(files.manifest.tensors).map(({ dtype, shape: [rows, columns = 1] }) => {
      if (dtype === 'i8') return 3 * rows * columns - 4 * rows;
      return dtype === 'i4' ? 3.5 * rows * columns - (4 * rows * columns) / 32 : 0;
    });
    const [few, many] = [await small.memory(), await widened.memory()];
    expect(many.gpu - few.gpu).toBe(saved.reduce((a, b) => a + b));
    const gpu = await logitsOf(small);
    expectWithin(gpu, await logitsOf(widened), 1e-4);
    const cpu = await logitsOf(await loadViT(files, { backend: 'cpu', worker: false }));
    expectWithin(gpu, cpu, 1e-4);
    const exact = await logitsOf(await loadViT(await filesOf('f32'), { backend: 'cpu', worker: false }));
    expectWithin(cpu, exact, dtype === 'i8' ? 0.05 : 0.5);
    expect(cpu).not.toEqual(exact);
  });
});
