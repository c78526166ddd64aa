/**
 * What is tried on a GPU of which nothing is known: the same answers before and after, nothing wrong taken, and nothing
 * tried twice. SwiftShader says here that it is hardware; what is fastest on it is not the question, so most tests say how
 * long each kernel takes.
 */
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Tilings } from '../../src/engine/choose/kernel-config.ts';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { Stopwatch } from '../../src/engine/tune/stopwatch.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { clearCache, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { Findings, forgetFindings } from '../../src/weights/findings.ts';
import { expectClose, F32_BOUND, random } from '../harness/arrays.ts';
import { testGpu } from '../harness/gpu.ts';
import { pretendHardware } from '../harness/hardware.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { TINY, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

const ARCHITECTURE = { ...TINY, width: 48, mlpWidth: 96 };
const open: ViT[] = [];
let files: ModelFiles;
/** What tuning found, each time it found something. */
let kept: Record<string, Tilings>[];

beforeAll(async () => {
  files = await tinyModel(ARCHITECTURE);
});

beforeEach(async () => {
  await clearCache();
  forgetFindings();
  pretendHardware();
  kept = [];
  const write = Findings.prototype.write;
  vi.spyOn(Findings.prototype, 'write').mockImplementation(async function (this: Findings, about, found) {
    await write.call(this, about, found);
    if ((about as unknown[])[0] === 'tuning') kept.push({ ...(found as Record<string, Tilings>) });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

/** On one device, so that each kernel compiles but once. */
async function load(): Promise<ViT> {
  const { device } = await testGpu();
  open.push(await loadViT(files, { worker: false, backend: 'webgpu', device }));
  return open.at(-1)!;
}

async function logits(vit: ViT, batch = 1): Promise<Float32Array> {
  const data = random(batch * 3 * 16 * 16, 1);
  return (await vit.forward({ data, shape: [batch, 3, 16, 16] })).logits!.data;
}

/** How each step of an image is computed: kernel, entry point and variant. */
async function waysOf(vit: ViT): Promise<Map<string, string>> {
  const { steps } = await vit.profile(new ImageData(16, 16));
  return new Map(steps.map(({ step, kernel, variant }) => [step, `${kernel} ${variant ?? ''}`.trim()]));
}

/** As if each dispatch took so long, by what is dispatched. @param spent milliseconds that finding it out takes */
function pretend(milliseconds: (name: string, label: string) => number, spent = 0) {
  return vi.spyOn(Stopwatch.prototype, 'measure').mockImplementation(async function (this: Stopwatch, schedule, index) {
    this.spent += spent;
    const action = schedule.program.actions[index];
    if (!('kernel' in action)) throw new Error('Nothing to measure.');
    const { name, entry = '', variant } = action.kernel;
    return milliseconds(`${name} ${entry}${variant === 'norm' ? ' norm' : ''}`.trim(), action.label);
  });
}

const tuned = (count: number) => vi.waitFor(() => expect(kept).toHaveLength(count), { timeout: 60_000, interval: 50 });

test('after the first answer, for one image and for several, and never again', async () => {
  // On a busy machine the time would be spent before everything is tried.
  pretend((name) => (name === 'matmul subgroups' ? 1 : 2));
  const vit = await load();
  const before = await logits(vit);
  await tuned(1);
  expect(Object.keys(kept[0])).toEqual(['one']);
  // Something was decided of every linear layer, and of attention.
  const layers = planViT(withDefaults(ARCHITECTURE)).steps.filter(
    ({ op, label }) => op === 'matmul' && label.startsWith('block00'),
  );
  expect(Object.keys(kept[0].one.matmul)).toHaveLength(layers.length);
  expect(Object.keys(kept[0].one.attention)).toHaveLength(1);
  expectClose(await logits(vit), before, F32_BOUND);
  const several = await logits(vit, 3);
  await tuned(2);
  expect(Object.keys(kept[1])).toEqual(['one', 'many']);
  expectClose(await logits(vit, 3), several, F32_BOUND);
  const ways = await waysOf(vit);
  expect(ways.get('block00/project')).toBe('matmul subgroups');
  vit.dispose();

  const tune = vi.spyOn(GpuBackend.prototype, 'tune');
  const again = await load();
  expectClose(await logits(again), before, F32_BOUND);
  expectClose(await logits(again, 3), several, F32_BOUND);
  expect(await waysOf(again)).toEqual(ways);
  expect(tune).not.toHaveBeenCalled();
});

test('the fastest is taken, a norm within measured against both apart', async () => {
  pretend((name) => ({ 'layer-norm': 5, 'layer-norm main': 5, 'matmul staged norm': 12 })[name] ?? 8);
  const vit = await load();
  const before = await logits(vit);
  await tuned(1);
  const ways = await waysOf(vit);
  expect(ways.get('block00/qkv')).toBe('matmul staged norm');
  expect(ways.has('block00/norm1')).toBe(false);
  // No norm is before it, and nothing is faster than the simplest.
  expect(ways.get('block00/project')).toBe('matmul direct');
  expectClose(await logits(vit), before, F32_BOUND);
});

test('what is faster by less than one can measure is not', async () => {
  pretend((name) => (name === 'matmul direct' ? 1 : name.startsWith('layer-norm') ? 0 : 0.97));
  const vit = await load();
  await logits(vit);
  await tuned(1);
  const matmuls = [...(await waysOf(vit)).values()].filter((way) => way.startsWith('matmul'));
  expect(new Set(matmuls)).toEqual(new Set(['matmul direct']));
});

test('once the time is spent, what is left stays as it is', async () => {
  const measured = pretend(() => 1, 100);
  const vit = await load();
  await logits(vit);
  await tuned(1);
  // 300 ms are allowed: the costliest matmul in two ways, each with the norm before it.
  expect(measured).toHaveBeenCalledTimes(4);
  expect(Object.keys(kept[0].one.matmul)).toHaveLength(1);
});

test('a fast one that computes something else is not taken', async () => {
  pretend((name) => (name.startsWith('matmul split') ? 1 : 9));
  const get = Pipelines.prototype.get;
  vi.spyOn(Pipelines.prototype, 'get').mockImplementation(function (this: Pipelines, kernel) {
    const code = kernel.entry === 'split' ? kernel.code.replaceAll('w1 * x', 'w0 * x') : kernel.code;
    return get.call(this, { ...kernel, code });
  });
  const vit = await load();
  const before = await logits(vit);
  await tuned(1);
  expect([...(await waysOf(vit)).values()].filter((way) => way.includes('split'))).toEqual([]);
  expect(await logits(vit)).toEqual(before);
});

test('calls while it tries, and dispose', async () => {
  const vit = await load();
  const before = await logits(vit);
  for (let i = 0; i < 10; i++) expectClose(await logits(vit), before, F32_BOUND);
  vit.dispose();
  await expect(logits(vit)).rejects.toMatchObject({ code: 'disposed' });
});

test('a software adapter is left alone', async () => {
  vi.restoreAllMocks();
  const tune = vi.spyOn(GpuBackend.prototype, 'tune');
  open.push(await loadViT(files, { worker: false, backend: 'webgpu' }));
  await logits(open[0]);
  expect(tune).not.toHaveBeenCalled();
});
