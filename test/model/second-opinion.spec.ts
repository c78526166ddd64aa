/**
 * A checkpoint that was converted where it runs has no golden: what the GPU says is compared with the CPU when nothing is asked.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { clearCache, type EngineEvent, type LoadOptions, loadViT, type ViT } from '../../src/index.ts';
import { Findings } from '../../src/weights/findings.ts';
import { fixture, readBytes } from '../harness/files.ts';
import { takeSoftware } from '../harness/hardware.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage } from '../harness/tiny-model.ts';

shareDevice();

const FOLDER = fixture('families/hf-vit');
const IMAGE = plainImage(40, 30, [90, 20, 200]);
const preprocess = {
  ...{ resize: { mode: 'squash', height: 32, width: 32 }, filter: 'bilinear', crop: null },
  ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
} as const;

const open: ViT[] = [];
let events: EngineEvent[];
/** What was found out about the whole model, right or wrong. */
let verdicts: unknown[];

beforeEach(async () => {
  events = [];
  verdicts = [];
  await clearCache();
  const write = Findings.prototype.write;
  vi.spyOn(Findings.prototype, 'write').mockImplementation(async function (this: Findings, about, found) {
    await write.call(this, about, found);
    if ((about as unknown[])[0] === 'second opinion') verdicts.push(found);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: LoadOptions = {}): Promise<ViT> {
  const files = ['model.safetensors', 'config.json'].map(async (name) => {
    return new File([await readBytes(`${FOLDER}/${name}`)], name);
  });
  const onEvent = (event: EngineEvent) => events.push(event);
  const common = { worker: false, onEvent, convert: { preprocess } } as unknown as LoadOptions;
  const vit = await loadViT(await Promise.all(files), { ...common, ...options });
  open.push(vit);
  return vit;
}

test('a GPU that is right is found so after the first answer, and asked no more than once for it', async () => {
  const runs = vi.spyOn(GpuBackend.prototype, 'run');
  const vit = await load({ backend: 'webgpu' });
  expect(runs.mock.calls.filter(([input, { outputs }]) => 'pixels' in input && outputs.length > 0)).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(verdicts).toEqual([]);
  await vit.classify(IMAGE);
  await expect.poll(() => verdicts, { timeout: 10_000 }).toEqual([true]);
  expect(runs).toHaveBeenCalledTimes(2);
  expect(events).toEqual([]);
});

test('one that is wrong is reported, and the CPU takes its place: for the next call, and on the next visit', async () => {
  const right = await (await load({ backend: 'cpu' })).classify(IMAGE);
  takeSoftware();
  const run = GpuBackend.prototype.run;
  vi.spyOn(GpuBackend.prototype, 'run').mockImplementation(async function (this: GpuBackend, ...args) {
    const outputs = await run.apply(this, args);
    for (const output of Object.values(outputs)) output.data[0] += 0.01;
    return outputs;
  });
  const vit = await load();
  expect(vit.info.backend).toBe('webgpu');
  await vit.classify(IMAGE);
  const wrong = expect.stringMatching(/wrong results on this GPU: off by 0\.0[01]\d+ from what the CPU computes/);
  await expect.poll(() => events, { timeout: 10_000 }).toEqual([{ type: 'warning', message: wrong }]);
  expect(verdicts).toEqual([wrong]);
  expect(await vit.classify(IMAGE)).toEqual(right);
  expect(vit.info).toMatchObject({ backend: 'cpu', fallbackReason: wrong });
  expect(events.slice(1)).toEqual([{ type: 'fallback', message: wrong, info: vit.info }]);
  expect((await load()).info).toMatchObject({ backend: 'cpu', fallbackReason: wrong });
});
