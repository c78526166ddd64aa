/**
 * A GPU that computes something else: it is found out before the first answer, and named. The errors are put into the
 * shaders on their way to the compiler.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { PreprocessGpu } from '../../src/engine/preprocess-gpu.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { clearCache, type EngineEvent, type LoadOptions, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

const URL_OF_MODEL = 'https://models.test/proof/model.json';
const open: ViT[] = [];
let files: ModelFiles;
let events: EngineEvent[];

beforeAll(async () => {
  files = await tinyModel();
});

beforeEach(() => {
  events = [];
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
  ['layer-norm', /const EPSILON = [^;]+;/, 'const EPSILON = 0.5f;'],
  ['matmul', /const BIAS = true;/, 'const BIAS = false;'],
  ['attention', /exp\(/, '1.01 * exp(0.9 * '],
];

describe('a wrong kernel', () => {
  for (const [kernel, from, to] of BROKEN) {
    test(`${kernel}: no answer from it, and its name`, async () => {
      breakKernel(kernel, from, to);
      await expect(load({ backend: 'webgpu' })).rejects.toMatchObject({
        code: 'numeric',
        message: expect.stringMatching(new RegExp(`the first wrong kernel is ${kernel} \\(`)),
      });
    });

    test(`${kernel}: the CPU answers instead, and says why`, async () => {
      const right = await (await load({ backend: 'cpu' })).classify(plainImage(9, 9, [90, 20, 200]));
      breakKernel(kernel, from, to);
      const vit = await load();
      expect(vit.info).toMatchObject({ backend: 'cpu', fallbackReason: expect.stringMatching(kernel) });
      expect(events).toEqual([{ type: 'fallback', message: expect.stringMatching(kernel), info: vit.info }]);
      expect(await vit.classify(plainImage(9, 9, [90, 20, 200]))).toEqual(right);
      expect(await vit.memory()).toMatchObject({ gpu: 0 });
    });
  }

  test('NaN is wrong, too', async () => {
    breakKernel('layer-norm', /const EPSILON = [^;]+;/, 'const EPSILON = -1e9f;');
    await expect(load({ backend: 'webgpu' })).rejects.toMatchObject({ code: 'numeric' });
  });

  test('in the resizing of pictures: the processor resizes, and says so', async () => {
    // SwiftShader is told from a GPU, and leaves the resizing to the processor.
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
    breakKernel('normalize', /id\.x % WIDTH/, '(id.x + 1u) % WIDTH');
    const vit = await load({ backend: 'webgpu' });
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(/processor/) }]);
    expect(await vit.classify(plainImage(40, 30, [90, 20, 200]))).toEqual(right);
  });
});

describe('selfTest()', () => {
  test('names every kernel, and a right one errs by little', async () => {
    const { passed, kernels, maxError, tolerance } = await (await load({ backend: 'webgpu' })).selfTest();
    expect(passed).toBe(true);
    expect(maxError).toBeLessThan(tolerance);
    expect(new Set(kernels.map(({ kernel }) => kernel))).toEqual(
      new Set(['patchify', 'layer-norm', 'matmul', 'attention', 'head', 'softmax']),
    );
    for (const { error } of kernels) expect(error).toBeLessThan(1e-5);
    expect(kernels.some(({ error }) => error > 0)).toBe(true);
  });

  test('finds a kernel that went wrong after the model was loaded', async () => {
    const vit = await load({ backend: 'webgpu' });
    breakKernel('matmul', /const BIAS = true;/, 'const BIAS = false;');
    const { passed, kernels } = await vit.selfTest();
    expect(passed).toBe(false);
    expect(kernels.find((check) => !check.passed)).toMatchObject({ kernel: 'matmul', step: 'block00/qkv' });
  });

  test('on the CPU: the golden alone', async () => {
    expect(await (await load({ backend: 'cpu' })).selfTest()).toMatchObject({ passed: true, kernels: [] });
  });
});

describe('once', () => {
  beforeEach(async () => {
    await clearCache();
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
      const file = String(input).split('/').at(-1)!;
      if (file === 'model.json') return new Response(JSON.stringify(files.manifest));
      return new Response(files.shards[files.manifest.shards.findIndex((shard) => shard.file === file)]);
    });
  });

  test('per GPU, model and shaders; a failure is not kept', async () => {
    const run = vi.spyOn(GpuBackend.prototype, 'run');
    const runs = async (load: Promise<unknown>) => {
      run.mockClear();
      await load.catch(() => {});
      return run.mock.calls.length;
    };
    const backend = 'webgpu';
    // The warm-up, and the golden.
    expect(await runs(load({ backend }, URL_OF_MODEL))).toBe(2);
    expect(await runs(load({ backend }, URL_OF_MODEL))).toBe(1);
    expect(await runs(load({ backend, cache: false }, URL_OF_MODEL))).toBe(2);
    // Another model.
    const logits = files.manifest.golden.logits.map((logit) => logit + 1);
    const right = files;
    files = { ...files, manifest: { ...files.manifest, golden: { ...files.manifest.golden, logits } } };
    try {
      for (let i = 0; i < 2; i++) expect(await runs(load({ backend }, URL_OF_MODEL))).toBe(2);
    } finally {
      files = right;
    }
    expect(await runs(load({ backend }, URL_OF_MODEL))).toBe(1);
  });
});
