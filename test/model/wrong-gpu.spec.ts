/**
 * A GPU that gives wrong results: that is found before the first answer, and the kernel is named. The errors are put into the
 * shaders on their way to the compiler.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { PreprocessGpu } from '../../src/engine/pixels/preprocess-gpu.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { clearCache, type EngineEvent, type LoadOptions, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import type { TextArchitecture } from '../../src/model/text.ts';
import { forgetFindings } from '../../src/weights/findings.ts';
import { openStore } from '../../src/weights/store.ts';
import { expectClose, F32_BOUND } from '../harness/arrays.ts';
import { pretendHardware, takeSoftware } from '../harness/hardware.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

const TEXT: TextArchitecture = {
  vocabulary: 300,
  tokens: 7,
  width: 16,
  depth: 1,
  heads: 2,
  mlpWidth: 32,
  activation: 'quick_gelu',
  epsilon: 1e-5,
  causal: true,
  pooling: 'last',
  padding: 0,
  logitScale: 4.6,
};

shareDevice();

const URL_OF_MODEL = 'https://models.test/proof/model.json';
const open: ViT[] = [];
let files: ModelFiles;
let events: EngineEvent[];

beforeAll(async () => {
  files = await tinyModel();
});

beforeEach(async () => {
  events = [];
  await clearCache();
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: LoadOptions = {}, source: ModelFiles | string = files): Promise<ViT> {
  const vit = await loadViT(source, { worker: false, onEvent: (event) => events.push(event), ...options });
  open.push(vit);
  return vit;
}

/** The shader of `kernel` with something replaced; the replacement must be there to be made. */
function breakKernel(kernel: string, from: string | RegExp, to: string): void {
  const get = Pipelines.prototype.get;
  vi.spyOn(Pipelines.prototype, 'get').mockImplementation(function (this: Pipelines, given) {
    if (given.name !== kernel) return get.call(this, given);
    const code = given.code.replace(from, to);
    expect(code).not.toBe(given.code);
    return get.call(this, { ...given, code });
  });
}

/** Each of a kind that drivers have been seen to get wrong: a lost term, a wrong order, a wrong function. */
const BROKEN: [string, RegExp, string][] = [
  ['patchify', /const PATCH_WIDTH = 8u;/, 'const PATCH_WIDTH = 7u;'],
  ['layer-norm', /const EPSILON = [^;]+;/, 'const EPSILON = 0.5f;'],
  ['matmul', /const BIAS = true;/, 'const BIAS = false;'],
  ['head', /const INPUTS = 6u;/, 'const INPUTS = 5u;'],
  ['softmax', /const COLUMNS = 5u;/, 'const COLUMNS = 4u;'],
];

describe('a wrong kernel that nothing can take the place of', () => {
  for (const [kernel, from, to] of BROKEN) {
    test(`${kernel}: no answer from it, and its name`, async () => {
      breakKernel(kernel, from, to);
      await expect(load({ backend: 'webgpu' })).rejects.toMatchObject({
        code: 'numeric',
        message: expect.stringMatching(new RegExp(`^Kernel ${kernel} gives wrong results on this GPU \\(`)),
      });
    });

    test(`${kernel}: the CPU answers instead, and says why`, async () => {
      const right = await (await load({ backend: 'cpu' })).classify(plainImage(9, 9, [90, 20, 200]));
      breakKernel(kernel, from, to);
      takeSoftware();
      const vit = await load();
      expect(vit.info).toMatchObject({ backend: 'cpu', fallbackReason: expect.stringMatching(kernel) });
      // Before it, of a kernel with a simpler one behind it, that this one took its place.
      expect(events.pop()).toEqual({ type: 'fallback', message: expect.stringMatching(kernel), info: vit.info });
      for (const event of events) expect(event).toEqual({ type: 'warning', message: expect.stringMatching(kernel) });
      expect(await vit.classify(plainImage(9, 9, [90, 20, 200]))).toEqual(right);
      expect(await vit.memory()).toMatchObject({ gpu: 0 });
    });
  }

  test('NaN is wrong, too', async () => {
    breakKernel('layer-norm', /const EPSILON = [^;]+;/, 'const EPSILON = -1e9f;');
    await expect(load({ backend: 'webgpu' })).rejects.toMatchObject({ code: 'numeric' });
  });

  test('in the resizing of pictures: the CPU resizes, and says so', async () => {
    // SwiftShader is recognised, and leaves the resizing to the CPU.
    const create = PreprocessGpu.create;
    let isAsked = false;
    vi.spyOn(PreprocessGpu, 'create').mockImplementation((device, pipelines, options) => {
      const resizeOn = isAsked ? options.resizeOn : 'gpu';
      isAsked = true;
      return create.call(PreprocessGpu, device, pipelines, { ...options, resizeOn });
    });
    const right = await (await load({ backend: 'webgpu' })).classify(plainImage(40, 30, [90, 20, 200]));
    expect(events).toEqual([]);
    isAsked = false;
    await clearCache();
    breakKernel('normalize', /id\.x % WIDTH/, '(id.x + 1u) % WIDTH');
    const vit = await load({ backend: 'webgpu' });
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/the CPU does it/) }]);
    expect(await vit.classify(plainImage(40, 30, [90, 20, 200]))).toEqual(right);
  });
});

/** What takes the place of a wrong kernel: the program that runs in the end, by the names of its kernels. */
function watchPrograms(): () => string[] {
  const create = GpuBackend.create;
  let last: GpuBackend | null = null;
  vi.spyOn(GpuBackend, 'create').mockImplementation(async (...args) => {
    last = await create.apply(GpuBackend, args);
    return last;
  });
  return () => last!.kernels;
}

/** Attention in one step, as on graphics chips; tuning is not the question here. */
function pretendFusing(): void {
  pretendHardware();
  vi.spyOn(GpuBackend.prototype, 'tune').mockRejectedValue(new Error('not now'));
}

describe('a wrong kernel with a simpler one behind it', () => {
  test('attention in one step: three take its place, with a warning', async () => {
    const image = plainImage(9, 9, [90, 20, 200]);
    const vit = await load({ backend: 'webgpu' });
    const right = await vit.classify(image);
    const attended = await vit.attend(image);
    pretendFusing();
    const kernels = watchPrograms();
    breakKernel('attention', /exp\(/g, '1.01 * exp(0.9 * ');
    const demoted = await load({ backend: 'webgpu' });
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/Kernel attention\/fused/) }]);
    expect(kernels()).toContain('attention-values');
    expect(kernels()).not.toContain('attention');
    const labels = await demoted.classify(image);
    expect(labels.map(({ index }) => index)).toEqual(right.map(({ index }) => index));
    for (const [i, { score }] of labels.entries()) expect(score).toBeCloseTo(right[i].score, 5);
    // Other networks of this model go around it, too.
    const { data } = await demoted.attend(image);
    for (const [i, share] of data.entries()) expect(share).toBeCloseTo(attended.data[i], 5);
    expect(await demoted.selfTest()).toMatchObject({ passed: true });
  });

  test('quads that are not four threads in a row: each thread loads for itself', async () => {
    const image = plainImage(9, 9, [90, 20, 200]);
    const right = await (await load({ backend: 'webgpu' })).classify(image);
    await clearCache();
    const kernels = watchPrograms();
    const get = Pipelines.prototype.get;
    vi.spyOn(Pipelines.prototype, 'get').mockImplementation(function (this: Pipelines, kernel) {
      return get.call(this, {
        ...kernel,
        code: kernel.code.replaceAll('quadBroadcast(x0, 1u)', 'quadBroadcast(x0, 2u)'),
      });
    });
    const vit = await load({ backend: 'webgpu' });
    const names = ['matmul', 'attention-scores', 'attention-values'].map(
      (name) => `Kernel ${name}/subgroups gives wrong results on this GPU;`,
    );
    expect(events).toEqual(names.map((name) => ({ type: 'warning', message: expect.stringContaining(name) })));
    expect(kernels()).toContain('attention');
    const labels = await vit.classify(image);
    expect(labels.map(({ index }) => index)).toEqual(right.map(({ index }) => index));
    for (const [i, { score }] of labels.entries()) expect(score).toBeCloseTo(right[i].score, 5);
  });

  test('the same in a text tower, whose tokens do not see all others', async () => {
    const files = await tinyModel({ ...TINY, classes: 0, projection: 8, text: TEXT });
    const ids = [5, 9, 200, 299];
    const right = await (await load({ backend: 'webgpu' }, files)).embedText(ids);
    pretendFusing();
    breakKernel('attention', /exp\(/g, '1.01 * exp(0.9 * ');
    const demoted = await load({ backend: 'webgpu' }, files);
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/Kernel attention\/fused/) }]);
    expectClose(await demoted.embedText(ids), right, F32_BOUND);
    expect(await demoted.selfTest()).toMatchObject({ passed: true });
  });

  test('and where that one is wrong, too: numeric', async () => {
    pretendFusing();
    breakKernel('attention', /exp\(/g, '1.01 * exp(0.9 * ');
    const get = vi.mocked(Pipelines.prototype.get).getMockImplementation()!;
    vi.mocked(Pipelines.prototype.get).mockImplementation(function (this: Pipelines, kernel) {
      const code = kernel.code.replace('const TOKENS = 5u', 'const TOKENS = 4u');
      return get.call(this, kernel.name === 'attention-values' ? { ...kernel, code } : kernel);
    });
    await expect(load({ backend: 'webgpu' })).rejects.toMatchObject({
      code: 'numeric',
      message: expect.stringMatching('attention-values'),
    });
  });

  /** As if a kernel had a variant for `f16`, until that is disabled; `change` is what the variant computes. */
  async function addHalves(kernel: string, change: (code: string) => string): Promise<void> {
    await clearCache();
    const create = GpuBackend.create;
    let without: ReadonlySet<string> = new Set();
    vi.spyOn(GpuBackend, 'create').mockImplementation((...args) => {
      without = args[3]?.disabled ?? new Set();
      return create.apply(GpuBackend, args);
    });
    const get = Pipelines.prototype.get;
    vi.spyOn(Pipelines.prototype, 'get').mockImplementation(function (this: Pipelines, given) {
      if (given.name !== kernel || without.has(`${kernel}/f16`)) return get.call(this, given);
      given.variant = 'f16';
      const code = change(given.code);
      expect(code).not.toBe(given.code);
      return get.call(this, { ...given, code });
    });
  }

  test('f16 that computes wrongly: f32', async () => {
    const right = await (await load({ backend: 'webgpu' })).classify(plainImage(9, 9, [90, 20, 200]));
    await addHalves('matmul', (code) => code.replace('const BIAS = true;', 'const BIAS = false;'));
    const vit = await load({ backend: 'webgpu' });
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/Kernel matmul\/f16/) }]);
    expect(await vit.classify(plainImage(9, 9, [90, 20, 200]))).toEqual(right);
  });

  test('f16 whose range is too small for a picture: once more in f32, and in f32 from then on', async () => {
    const pixels = { data: new Float32Array(768).fill(3e4), shape: [1, 3, 16, 16] };
    const right = await (await load({ backend: 'webgpu' })).forward(pixels);
    await addHalves('patchify', (code) => code.replace('+ sums[i];', '+ sums[i] + exp(abs(sums[i])) * 1e-38;'));
    const vit = await load({ backend: 'webgpu' });
    expect(events).toEqual([]);
    for (let i = 0; i < 2; i++) expect(await vit.forward(pixels)).toEqual(right);
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/too large for f16/), info: vit.info }]);
  });

  test('infinity in f32: numeric', async () => {
    breakKernel('patchify', '+ sums[i];', '+ sums[i] + exp(abs(sums[i])) * 1e-38;');
    const vit = await load({ backend: 'webgpu' });
    const pixels = { data: new Float32Array(768).fill(3e4), shape: [1, 3, 16, 16] };
    await expect(vit.forward(pixels)).rejects.toMatchObject({ code: 'numeric' });
    expect(await vit.classify(plainImage(9, 9, [90, 20, 200]))).toHaveLength(5);
  });
});

describe('selfTest()', () => {
  test('names every kernel, and the error of a right one is small', async () => {
    const { passed, kernels, maxError, tolerance } = await (await load({ backend: 'webgpu' })).selfTest();
    expect(passed).toBe(true);
    expect(maxError).toBeLessThan(tolerance);
    expect(new Set(kernels.map(({ kernel }) => kernel))).toEqual(
      new Set(['patchify', 'layer-norm', 'matmul', 'attention-scores', 'attention-values', 'head', 'softmax']),
    );
    for (const { error } of kernels) expect(error).toBeLessThan(1e-5);
    expect(kernels.some(({ error }) => error > 0)).toBe(true);
  });

  test('covers the text tower', async () => {
    const files = await tinyModel({ ...TINY, classes: 0, projection: 8, text: TEXT });
    const vit = await load({ backend: 'webgpu' }, files);
    await vit.embedText([5, 299]);
    const { passed, kernels } = await vit.selfTest();
    expect(passed).toBe(true);
    expect(kernels.filter(({ step }) => /^text\/|lookup/.test(step)).map(({ kernel }) => kernel)).toEqual(
      expect.arrayContaining(['gather', 'matmul', 'attention-scores', 'head']),
    );
  });
});

describe('once', () => {
  beforeEach(() => {
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
      const file = String(input).split('/').at(-1)!;
      if (file === 'model.json') return new Response(JSON.stringify(files.manifest));
      return new Response(files.shards[files.manifest.shards.findIndex((shard) => shard.file === file)]);
    });
  });

  /** Whether loading checks the kernels, and whether it replays the golden; the one run is that or the warm-up. */
  async function watch(loading: () => Promise<unknown>): Promise<{ kernels: boolean; golden: boolean }> {
    const check = vi.spyOn(GpuBackend.prototype, 'check');
    const run = vi.spyOn(GpuBackend.prototype, 'run');
    await loading().catch(() => {});
    expect(run).toHaveBeenCalledOnce();
    const [[, { outputs }]] = run.mock.calls;
    const found = { kernels: check.mock.calls.length > 0, golden: outputs.length > 0 };
    check.mockRestore();
    run.mockRestore();
    return found;
  }

  const EVERYTHING = { kernels: true, golden: true };
  const NOTHING = { kernels: false, golden: false };

  test('kernels per GPU and code, the golden per model; a failure is not kept', async () => {
    const backend = 'webgpu';
    const fromUrl = () => load({ backend }, URL_OF_MODEL);
    expect(await watch(fromUrl)).toEqual(EVERYTHING);
    expect(await watch(fromUrl)).toEqual(NOTHING);
    const logits = files.manifest.golden.logits.map((logit) => logit + 1);
    const right = files;
    files = { ...files, manifest: { ...files.manifest, golden: { ...files.manifest.golden, logits } } };
    try {
      for (let i = 0; i < 2; i++) expect(await watch(fromUrl)).toEqual({ kernels: false, golden: true });
    } finally {
      files = right;
    }
    expect(await watch(fromUrl)).toEqual(NOTHING);
  });

  test('of a model in memory, and with cache: false within this thread', async () => {
    expect(await watch(() => load({ backend: 'webgpu' }))).toEqual(EVERYTHING);
    expect(await watch(() => load({ backend: 'webgpu' }))).toEqual(NOTHING);
    await clearCache();
    expect(await watch(() => load({ backend: 'webgpu', cache: false }, URL_OF_MODEL))).toEqual(EVERYTHING);
    expect(await watch(() => load({ backend: 'webgpu', cache: false }, URL_OF_MODEL))).toEqual(NOTHING);
    expect(await (await openStore())!.list()).toEqual(new Map());
  });

  test('across threads: what one has found, another reads', async () => {
    await load({ backend: 'webgpu' });
    forgetFindings();
    expect(await watch(() => load({ backend: 'webgpu' }))).toEqual(NOTHING);
  });

  test('a load that has nothing to find out still waits for its warm-up run', async () => {
    await load({ backend: 'webgpu' }, URL_OF_MODEL);
    const finished = vi.spyOn(GPUQueue.prototype, 'onSubmittedWorkDone');
    await load({ backend: 'webgpu' }, URL_OF_MODEL);
    expect(finished).toHaveBeenCalledOnce();
  });

  test('what was found wrong is not tried again', async () => {
    pretendFusing();
    breakKernel('attention', /exp\(/g, '1.01 * exp(0.9 * ');
    const kernels = watchPrograms();
    for (let i = 0; i < 2; i++) {
      await load({ backend: 'webgpu' }, URL_OF_MODEL);
      expect(kernels()).toContain('attention-values');
      // The second time nothing is found out, so there is no warning.
      expect(events).toHaveLength(1);
    }
  });

  test('selfTest() finds a kernel that went wrong since', async () => {
    await load({ backend: 'webgpu' }, URL_OF_MODEL);
    breakKernel('matmul', /const BIAS = true;/, 'const BIAS = false;');
    const { passed, kernels } = await (await load({ backend: 'webgpu' }, URL_OF_MODEL)).selfTest();
    expect(passed).toBe(false);
    expect(kernels.find((check) => !check.passed)).toMatchObject({ kernel: 'matmul', step: 'block00/qkv' });
  });
});
