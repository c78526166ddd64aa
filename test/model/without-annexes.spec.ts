/**
 * What an ordinary visit can do without is files of its own. Where one cannot be had the answers are the same, after one warning.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Annexes } from '../../src/annexes/annexes.ts';
import { registered } from '../../src/annexes/registry.ts';
import { loadViT, type ViT } from '../../src/index.ts';
import { expectClose, F32_BOUND, random } from '../harness/arrays.ts';
import { pretendHardware } from '../harness/hardware.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

const open: ViT[] = [];
const warnings: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  warnings.length = 0;
  for (const vit of open.splice(0)) vit.dispose();
});

const { address } = Annexes.prototype;
/** Of all files of the library these are missing. */
const missing = new Set<string>();
/** What this thread had of them. */
const hidden = new Map<string, unknown>();

beforeEach(() => {
  vi.spyOn(Annexes.prototype, 'address').mockImplementation(function (this: Annexes, file) {
    return missing.has(file) ? new URL(`/nowhere/${file}`, location.href).href : address.call(this, file);
  });
});

afterEach(() => {
  missing.clear();
  Object.assign(registered(), Object.fromEntries(hidden));
  hidden.clear();
});

function hide(files: string[]): void {
  const table = registered() as Record<string, unknown>;
  for (const file of files) {
    missing.add(file);
    const [name] = file.split('.');
    if (table[name]) hidden.set(name, table[name]);
    delete table[name];
  }
}

async function loadWithout(...files: string[]): Promise<ViT> {
  return load('webgpu', files);
}

function onEvent({ type, message }: { type: string; message: string }): void {
  if (type === 'warning') warnings.push(message);
}

async function load(backend: 'auto' | 'webgpu' | 'cpu', without: string[], architecture = TINY): Promise<ViT> {
  hide(without);
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
  hide(['few-bits.js']);
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
