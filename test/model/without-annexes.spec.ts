/**
 * What an ordinary visit can do without is files of its own. Where one cannot be had the answers are the same, after one warning.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import { expectClose, F32_BOUND, random } from '../harness/arrays.ts';
import { pretendHardware } from '../harness/hardware.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

const open: ViT[] = [];
const warnings: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  warnings.length = 0;
  for (const vit of open.splice(0)) vit.dispose();
});

/** Of all files of the library these are missing. */
const missing = vi.hoisted(() => new Set<string>());
vi.mock('../../src/annexes/addresses.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/annexes/addresses.ts')>();
  const nowhere = () => [...missing].map((file) => [file, new URL(`/nowhere/${file}`, location.href).href]);
  return { ...original, annexAddresses: () => ({ ...original.annexAddresses(), ...Object.fromEntries(nowhere()) }) };
});

async function loadWithout(...files: string[]): Promise<ViT> {
  return load('webgpu', files);
}

function onEvent({ type, message }: { type: string; message: string }): void {
  if (type === 'warning') warnings.push(message);
}

async function load(backend: 'auto' | 'webgpu' | 'cpu', without: string[], architecture = TINY): Promise<ViT> {
  missing.clear();
  for (const file of without) missing.add(file);
  open.push(await loadViT(await tinyModel(architecture), { worker: false, backend, cache: false, onEvent }));
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

/* In this order: what one test loads, later ones have. */

test('the kernels of the CPU: TypeScript computes the same, after one warning', async () => {
  const vit = await load('cpu', ['cpu.js', 'cpu-plain.wasm', 'cpu-relaxed.wasm']);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('/nowhere/cpu.js');
  expect(vit.info.cpu).toEqual({ simd: 'none', threads: 1 });
  const gpu = await load('webgpu', ['kernels.js']);
  expectClose(await logits(vit), await logits(gpu), F32_BOUND);
});

for (const [file, where] of [
  ['tune.js', 'hardware'],
  ['kernels.js', 'hardware'],
  ['kernels.js', 'a software adapter'],
] as const) {
  test(`${file} on ${where}: the simplest kernels stay, after one warning`, async () => {
    if (where === 'hardware') pretendHardware();
    const vit = await loadWithout(file);
    expectClose(await logits(vit), await expectedLogits(), F32_BOUND);
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]).toContain(`There are no faster kernels`);
    expect(warnings[0]).toContain(`/nowhere/${file}`);
    const profile = vit.profile(plainImage(30, 20, [9, 90, 200]));
    if (file === 'tune.js') await expect(profile).rejects.toMatchObject({ code: 'network' });
    else expect((await profile).steps.length).toBeGreaterThan(0);
    expect(warnings).toHaveLength(1);
  });
}

test('what keeps weights in few bits on the GPU: they are widened, after one warning', async () => {
  missing.clear();
  missing.add('few-bits.js');
  const files = await tinyModel({ ...TINY, mlpWidth: 64 }, 'i4');
  open.push(await loadViT(files, { worker: false, backend: 'webgpu', cache: false, onEvent }));
  expect(warnings).toEqual([expect.stringContaining('/nowhere/few-bits.js')]);
  expect((await open[0].selfTest()).passed).toBe(true);
});

test('kernels that a family needs on the GPU: the CPU answers, after one warning', async () => {
  pretendHardware();
  const family = { ...TINY, pooling: 'patches' } as const;
  const expected = await logits(await load('cpu', ['family-kernels.js'], family));
  const vit = await load('auto', ['family-kernels.js'], family);
  expect(vit.info).toMatchObject({ backend: 'cpu', fallbackReason: expect.stringContaining('family-kernels.js') });
  expect(warnings).toEqual([expect.stringContaining('/nowhere/family-kernels.js')]);
  expect(await logits(vit)).toEqual(expected);
  await expect(load('webgpu', ['family-kernels.js'], family)).rejects.toMatchObject({
    code: 'no-webgpu',
    message: expect.stringContaining('family-kernels.js'),
  });
});
