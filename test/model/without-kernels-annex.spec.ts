/**
 * Optional kernels, tuning and profile are a file of their own. Where it cannot be had the answers are the same.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import { expectClose, F32_BOUND, random } from '../harness/arrays.ts';
import { pretendHardware } from '../harness/hardware.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

const open: ViT[] = [];
const warnings: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  warnings.length = 0;
  for (const vit of open.splice(0)) vit.dispose();
});

// Of all files of the library this one is missing.
vi.mock('../../src/annexes/addresses.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/annexes/addresses.ts')>();
  const missing = { 'kernels.js': new URL('/nowhere/kernels.js', location.href).href };
  return { ...original, annexAddresses: () => ({ ...original.annexAddresses(), ...missing }) };
});

async function loadWithout(): Promise<ViT> {
  const onEvent = ({ type, message }: { type: string; message: string }) =>
    type === 'warning' && warnings.push(message);
  open.push(await loadViT(await tinyModel(), { worker: false, backend: 'webgpu', cache: false, onEvent }));
  return open.at(-1)!;
}

async function logits(vit: ViT): Promise<Float32Array> {
  return (await vit.forward({ data: random(3 * 16 * 16, 1), shape: [1, 3, 16, 16] })).logits!.data;
}

async function expectedLogits(): Promise<Float32Array> {
  const vit = await loadViT(await tinyModel(), { worker: false, backend: 'cpu' });
  open.push(vit);
  return logits(vit);
}

test('hardware: the simplest kernels stay, one warning after the first answer, and no profile', async () => {
  pretendHardware();
  const vit = await loadWithout();
  expect(warnings).toEqual([]);
  expectClose(await logits(vit), await expectedLogits(), F32_BOUND);
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  expect(warnings[0]).toContain('/nowhere/kernels.js');
  const picture = plainImage(30, 20, [9, 90, 200]);
  await expect(vit.profile(picture)).rejects.toMatchObject({ code: 'network' });
  expect(warnings).toHaveLength(1);
});

test('a software adapter: the simplest kernels, and one warning while loading', async () => {
  const vit = await loadWithout();
  expect(warnings).toHaveLength(1);
  expectClose(await logits(vit), await expectedLogits(), F32_BOUND);
});
