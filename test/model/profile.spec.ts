/**
 * Where the time goes: every step, with a time of its own.
 */
import { expect, test } from 'vitest';
import { loadViT } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

test('each step of a run has its milliseconds and its share of the peak', async () => {
  const vit = await loadViT(await tinyModel(), { worker: false, backend: 'webgpu' });
  const picture = plainImage(30, 20, [9, 90, 200]);
  const before = await vit.classify(picture);
  const { timing, peak, steps } = await vit.profile(picture);
  // SwiftShader computes attention in three steps.
  const plan = planViT(withDefaults(TINY), { separateAttention: true });
  expect(steps.map(({ step }) => step)).toEqual(plan.steps.map(({ label }) => label));
  expect(timing.run).toBeGreaterThan(0);
  // Any CPU does more, and no GPU so much.
  expect(peak).toBeGreaterThan(1e8);
  expect(peak).toBeLessThan(1e15);
  for (const { milliseconds, flops, ofPeak } of steps) {
    expect(milliseconds).toBeGreaterThan(0);
    expect(ofPeak).toBeCloseTo(flops / peak / (milliseconds / 1000), 10);
    expect(ofPeak).toBeLessThan(1.5);
  }
  // 5 tokens, 24 to 72, a multiply-add is two.
  const named = (name: string) => steps.find(({ step }) => step === `block00/${name}`);
  expect(named('qkv')).toMatchObject({ kernel: 'matmul', variant: 'subgroups', flops: 2 * 5 * 24 * 72 });
  expect(named('attention-scores')).toMatchObject({ variant: 'subgroups', flops: 2 * 5 * 5 * 24 });
  expect(named('attention-softmax')).toMatchObject({ kernel: 'softmax', variant: null, flops: 0 });
  // What was written while measuring is nobody's answer.
  expect(await vit.classify(picture)).toEqual(before);
  vit.dispose();
});

test('a broken picture, and no GPU', async () => {
  const vit = await loadViT(await tinyModel(), { worker: false, backend: 'webgpu' });
  await expect(vit.profile(new Blob(['no picture']))).rejects.toMatchObject({ code: 'bad-image' });
  vit.dispose();
  const onCpu = await loadViT(await tinyModel(), { worker: false, backend: 'cpu' });
  await expect(onCpu.profile(plainImage(3, 3, [1, 2, 3]))).rejects.toMatchObject({ code: 'no-webgpu' });
  onCpu.dispose();
});
