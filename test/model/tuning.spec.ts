/**
 * What is tried on a GPU of which nothing is known: the same answers before and after, nothing wrong taken, and nothing
 * tried twice. SwiftShader says here that it is a GPU; what is fastest on it is not the question.
 */
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Choices, Tiling } from '../../src/engine/choose/choices.ts';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { Stopwatch } from '../../src/engine/tune/stopwatch.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { clearCache, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { DIRECT } from '../../src/kernels/matmul.ts';
import type { Plan, Step } from '../../src/model/plan.ts';
import { Findings } from '../../src/weights/findings.ts';
import { expectClose, F32_BOUND, random } from '../harness/arrays.ts';
import { pretendHardware } from '../harness/hardware.ts';
import { TINY, tinyModel } from '../harness/tiny-model.ts';

/** What is tried: all of it would compile for half a minute here. */
const offered = vi.hoisted(() => ({ tilings: [] as Tiling[] }));
vi.mock('../../src/engine/choose/choices.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../src/engine/choose/choices.ts')>()),
  candidates: ({ op }: Step, _plan: Plan, _batch: number, norm: boolean) =>
    op === 'matmul' ? offered.tilings.filter((tiling) => norm || !('norm' in tiling)) : ATTENTIONS,
}));

const ATTENTIONS: Tiling[] = [{ entry: 'direct' }, { entry: 'tiled' }];
const SPLIT: Tiling = { entry: 'split', splits: 4 };
const STAGED: Tiling = { entry: 'staged', threadRows: 4 };
const NORMED: Tiling = { ...STAGED, norm: true };

const URL_OF_MODEL = 'https://models.test/tuning/model.json';
const open: ViT[] = [];
let files: ModelFiles;
let kept: Record<string, Choices>[];

beforeAll(async () => {
  files = await tinyModel({ ...TINY, width: 48, mlpWidth: 96 });
});

beforeEach(async () => {
  await clearCache();
  pretendHardware();
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const file = String(input).split('/').at(-1)!;
    if (file === 'model.json') return Response.json(files.manifest);
    return new Response(files.shards[files.manifest.shards.findIndex((shard) => shard.file === file)]);
  });
  kept = [];
  const write = Findings.prototype.write;
  vi.spyOn(Findings.prototype, 'write').mockImplementation(async function (this: Findings, about, found) {
    await write.call(this, about, found);
    if ((about as unknown[])[0] === 'tuning') kept.push({ ...(found as Record<string, Choices>) });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(...tilings: Tiling[]): Promise<ViT> {
  offered.tilings = [DIRECT, ...tilings];
  open.push(await loadViT(URL_OF_MODEL, { worker: false, backend: 'webgpu' }));
  return open.at(-1)!;
}

async function logits(vit: ViT, batch = 1): Promise<Float32Array> {
  const data = random(batch * 3 * 16 * 16, 1);
  return (await vit.forward({ data, shape: [batch, 3, 16, 16] })).logits!.data;
}

/** As if each dispatch took so long, by what is dispatched. @param spent milliseconds that finding it out takes */
function pretend(milliseconds: (name: string, label: string) => number, spent = 0) {
  return vi.spyOn(Stopwatch.prototype, 'measure').mockImplementation(async function (this: Stopwatch, schedule, index) {
    this.spent += spent;
    const action = schedule.program.actions[index];
    if (!('kernel' in action)) throw new Error('Nothing to measure.');
    const { name, entry = '' } = action.kernel;
    return milliseconds(action.steps.length > 1 ? `${name} ${entry} norm` : `${name} ${entry}`.trim(), action.label);
  });
}

const tuned = (count: number) => vi.waitFor(() => expect(kept).toHaveLength(count), { timeout: 60_000, interval: 50 });

test('after the first answer, for one image and for several, and never again', async () => {
  const vit = await load(SPLIT);
  const before = await logits(vit);
  await tuned(1);
  expect(Object.keys(kept[0])).toEqual(['one']);
  expect(Object.keys(kept[0].one.tilings).sort()).toEqual([
    'attention of 5 tokens, 3 heads of 16',
    'matmul 48 to 144',
    'matmul 48 to 48, added',
    'matmul 48 to 96, gelu',
    'matmul 96 to 48, added',
  ]);
  expectClose(await logits(vit), before, F32_BOUND);
  const several = await logits(vit, 3);
  await tuned(2);
  expect(Object.keys(kept[1])).toEqual(['one', 'many']);
  expectClose(await logits(vit, 3), several, F32_BOUND);
  vit.dispose();

  const tune = vi.spyOn(GpuBackend.prototype, 'tune');
  const again = await load(SPLIT);
  expectClose(await logits(again), before, F32_BOUND);
  expectClose(await logits(again, 3), several, F32_BOUND);
  expect(tune).not.toHaveBeenCalled();
});

test('the fastest is taken, a norm within measured against both apart', async () => {
  pretend((name) => ({ 'layer-norm': 5, 'matmul staged norm': 12 })[name] ?? 8);
  const vit = await load(NORMED);
  const before = await logits(vit);
  await tuned(1);
  const { tilings } = kept[0].one;
  expect(tilings['matmul 48 to 144']).toEqual(NORMED);
  expect(tilings['matmul 48 to 96, gelu']).toEqual(NORMED);
  // No norm is before it.
  expect(tilings['matmul 96 to 48, added']).toEqual(DIRECT);
  expectClose(await logits(vit), before, F32_BOUND);
});

test('what is faster by less than one can measure is not', async () => {
  pretend((name) => (name === 'matmul direct' ? 1 : name === 'layer-norm' ? 0 : 0.97));
  await logits(await load(SPLIT));
  await tuned(1);
  expect(new Set(Object.values(kept[0].one.tilings).map(({ entry }) => entry))).toEqual(new Set(['direct']));
});

test('once the time is spent, what is left stays as it is', async () => {
  const measured = pretend(() => 1, 100);
  await logits(await load(SPLIT));
  await tuned(1);
  // 300 ms are allowed: the costliest matmul in two ways, each with the norm before it.
  expect(measured).toHaveBeenCalledTimes(4);
  expect(Object.keys(kept[0].one.tilings)).toEqual(['matmul 48 to 144']);
});

test('a fast one that computes something else is not taken', async () => {
  pretend((name) => (name.startsWith('matmul split') ? 1 : 9));
  const get = Pipelines.prototype.get;
  vi.spyOn(Pipelines.prototype, 'get').mockImplementation(function (this: Pipelines, kernel) {
    const code = kernel.entry === 'split' ? kernel.code.replaceAll('w1 * x', 'w0 * x') : kernel.code;
    return get.call(this, { ...kernel, code });
  });
  const vit = await load(SPLIT);
  const before = await logits(vit);
  await tuned(1);
  expect(kept[0].one.tilings).toEqual({});
  expect(await logits(vit)).toEqual(before);
});

test('calls while it tries, and dispose', async () => {
  const vit = await load(SPLIT);
  const before = await logits(vit);
  for (let i = 0; i < 10; i++) expectClose(await logits(vit), before, F32_BOUND);
  vit.dispose();
  await expect(logits(vit)).rejects.toMatchObject({ code: 'disposed' });
});

test('a processor in the place of a GPU is left alone', async () => {
  vi.restoreAllMocks();
  const tune = vi.spyOn(GpuBackend.prototype, 'tune');
  open.push(await loadViT(files, { worker: false, backend: 'webgpu' }));
  await logits(open[0]);
  expect(tune).not.toHaveBeenCalled();
});
