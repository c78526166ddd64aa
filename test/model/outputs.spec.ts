/**
 * Outputs that an ordinary run does not compute, on the GPU and on the CPU: what they must satisfy, that they cost the
 * ordinary run nothing, and what is refused.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PreprocessGpu } from '../../src/engine/pixels/preprocess-gpu.ts';
import { type EngineEvent, loadViT, type ModelFiles, type OutputName, type ViT } from '../../src/index.ts';
import type { Architecture } from '../../src/model/architecture.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

const open: ViT[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(files: ModelFiles, backend: 'webgpu' | 'cpu'): Promise<ViT> {
  const vit = await loadViT(files, { backend, worker: false });
  open.push(vit);
  return vit;
}

function pixels(batch: number) {
  return { data: random(batch * 3 * 16 * 16, 1), shape: [batch, 3, 16, 16] };
}

/** 5 tokens unless said otherwise; heads of 8. */
const KINDS: Record<string, Partial<Architecture>> = {
  'a plain ViT': {},
  'registers and SwiGLU': { registerTokens: 3, mlp: 'swiglu', mlpWidth: 22, layerScale: true },
  'a relative position bias': {
    positionEmbedding: 'none',
    relativePositionBias: 'per-block',
    finalNorm: 'pooled',
    pooling: 'patches',
  },
  'no positions at all': { positionEmbedding: 'none' },
  'norms last': { normOrder: 'last', finalNorm: 'none' },
  'pooling by attention': { classToken: false, pooling: 'attention' },
  'two heads': { distillationToken: true, pooling: 'class-and-distillation' },
  'the class token and the mean of the patches': { pooling: 'class-and-patches' },
  'a patch norm, a norm before the blocks and a tanh layer': {
    patchNorm: true,
    normBeforeBlocks: true,
    representation: 7,
  },
  'a norm of pixels, heads that are wider than the tokens together': {
    patchSize: [8, 4],
    pixelNorm: true,
    headSize: 10,
  },
  'norms of pixels and of patches, heads that are narrower': {
    pixelNorm: true,
    patchNorm: true,
    patchBias: false,
    headSize: 6,
  },
  'heads of 9, pooled twice': {
    width: 27,
    patchBias: false,
    qkvBias: false,
    attentionScale: 0.2,
    pooling: 'class-and-patches',
  },
  'no pooling': { pooling: 'none', classes: 0 },
  'a projection to length 1': { classes: 0, projection: 10, normalizeEmbedding: true },
};

const EXTRA: OutputName[] = ['tokens', 'hidden', 'attention'];

for (const [title, kind] of Object.entries(KINDS)) {
  const architecture = { ...TINY, ...kind };

  test(`${title}: the GPU gives what the CPU gives, all outputs at once`, async () => {
    const files = await tinyModel(architecture);
    const rest: OutputName[] = architecture.classes > 0 ? ['logits', 'probabilities', 'embedding'] : ['embedding'];
    const outputs = [...EXTRA, ...(architecture.pooling === 'none' ? [] : rest)];
    const [gpu, cpu] = [await load(files, 'webgpu'), await load(files, 'cpu')];
    const actual = await gpu.forward(pixels(2), { outputs });
    const expected = await cpu.forward(pixels(2), { outputs });
    for (const name of outputs) {
      expect(actual[name]!.shape).toEqual(expected[name]!.shape);
      // Two blocks in f32 against float64: measured 6e-6.
      expectClose(actual[name]!.data, expected[name]!.data, 1e-5);
    }
  });
}

for (const backend of ['webgpu', 'cpu'] as const) {
  describe(`attention on ${backend}`, () => {
    test('is a distribution over the tokens, per image, layer, head and token', async () => {
      const vit = await load(await tinyModel(), backend);
      const { data, shape } = (await vit.forward(pixels(3), { outputs: ['attention'] })).attention!;
      expect(shape).toEqual([3, 2, 3, 5, 5]);
      for (let row = 0; row < data.length; row += 5) {
        const weights = data.subarray(row, row + 5);
        expect(Math.min(...weights)).toBeGreaterThan(0);
        expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      }
    });

    test('of the class token, over the patches: one head, the mean of heads, each layer, rollout', async () => {
      const vit = await load(await tinyModel(), backend);
      const image = plainImage(16, 16, [180, 20, 90]);
      const { data: rgb } = await vit.preprocess(image);
      const planes = Float32Array.from({ length: 768 }, (_, i) => rgb[(i % 256) * 3 + Math.floor(i / 256)] / 127.5 - 1);
      const all = (await vit.forward({ data: planes, shape: [1, 3, 16, 16] }, { outputs: ['attention'] })).attention!;
      const weight = (layer: number, head: number, query: number, key: number) =>
        all.data[((layer * 3 + head) * 5 + query) * 5 + key];
      const mean = (layer: number, query: number, key: number) =>
        [0, 1, 2].reduce((sum, head) => sum + weight(layer, head, query, key) / 3, 0);
      const patches = [1, 2, 3, 4];

      const last = await vit.attend(image);
      expect(last.shape).toEqual([2, 2]);
      expectClose(
        last.data,
        patches.map((key) => mean(1, 0, key)),
        1e-6,
      );
      expectClose(
        (await vit.attend(image, { layer: -2 })).data,
        patches.map((key) => mean(0, 0, key)),
        1e-6,
      );
      expectClose(
        (await vit.attend(image, { layer: 0, head: 2 })).data,
        patches.map((key) => weight(0, 2, 0, key)),
        1e-6,
      );

      // Rollout by its definition: the product of (mean of heads + identity) / 2, of which the class token's row is taken.
      const mixed = (layer: number) =>
        Array.from({ length: 25 }, (_, i) => {
          const [query, key] = [Math.floor(i / 5), i % 5];
          return (mean(layer, query, key) + Number(query === key)) / 2;
        });
      const [first, second] = [mixed(0), mixed(1)];
      const product = patches.map((key) =>
        [0, 1, 2, 3, 4].reduce((sum, middle) => sum + second[middle] * first[middle * 5 + key], 0),
      );
      expectClose((await vit.attend(image, { rollout: true })).data, product, 1e-6);
    });

    test('of layers, heads and class tokens that are not there is refused', async () => {
      const vit = await load(await tinyModel(), backend);
      const image = plainImage(16, 16, [1, 2, 3]);
      await expect(vit.attend(image, { layer: 2 })).rejects.toThrow('There is no layer 2; there are 0 to 1');
      await expect(vit.attend(image, { layer: -3 })).rejects.toMatchObject({ code: 'bad-input' });
      await expect(vit.attend(image, { head: 3 })).rejects.toThrow('There is no head 3; there are 0 to 2');
      const siglip = await load(await tinyModel({ ...TINY, classToken: false, pooling: 'attention' }), backend);
      await expect(siglip.attend(image)).rejects.toThrow('no class token');
    });
  });
}

test('a picture for attention maps goes the way of every picture', async () => {
  const vit = await load(await tinyModel(), 'webgpu');
  const upload = vi.spyOn(PreprocessGpu.prototype, 'upload');
  await vit.attend(plainImage(40, 30, [180, 20, 90]), { rollout: true });
  expect(upload).toHaveBeenCalledOnce();
});

test('where the file of attention maps cannot be had, they are all that is missing', async () => {
  const warnings: EngineEvent[] = [];
  const onEvent = (event: EngineEvent) => warnings.push(event);
  // In a worker: in this thread the annex may have been loaded by now.
  const vit = await loadViT(await tinyModel(), {
    backend: 'webgpu',
    assets: '/nowhere/',
    worker: sourceWorker,
    onEvent,
  });
  open.push(vit);
  const image = plainImage(16, 16, [1, 2, 3]);
  for (let time = 0; time < 2; time++) {
    const why = {
      code: 'network',
      message: expect.stringMatching(/no attention maps.*nowhere\/attend\.js.*"assets"/s),
    };
    await expect(vit.attend(image)).rejects.toMatchObject(why);
  }
  expect(await vit.classify(image)).toHaveLength(5);
  expect(warnings.map(({ message }) => /^There are no ([\w ]+):/.exec(message)?.[1])).toEqual([
    'faster kernels',
    'checks of this GPU or CPU',
    'attention maps',
  ]);
});

function sourceWorker(): Worker {
  return new Worker(new URL('../../src/worker/worker.ts', import.meta.url), { type: 'module' });
}

describe('the ordinary run', () => {
  test('makes nothing anew and gives the same after others were asked for', async () => {
    const vit = await load(await tinyModel(), 'webgpu');
    const dispatches = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups');
    const before = await vit.forward(pixels(2));
    const ordinary = dispatches.mock.calls.length;
    const memory = (await vit.memory()).gpu;
    await vit.forward(pixels(2), { outputs: ['hidden', 'attention', 'tokens', 'logits'] });
    expect((await vit.memory()).gpu).toBeGreaterThan(memory);
    expect(dispatches.mock.calls.length).toBeGreaterThan(2 * ordinary);
    dispatches.mockClear();
    const create = vi.spyOn(GPUDevice.prototype, 'createBuffer');
    const pipelines = vi.spyOn(GPUDevice.prototype, 'createComputePipelineAsync');
    const groups = vi.spyOn(GPUDevice.prototype, 'createBindGroup');
    const after = await vit.forward(pixels(2));
    expectClose(after.logits!.data, before.logits!.data, 0);
    for (const made of [create, pipelines, groups]) expect(made).not.toHaveBeenCalled();
    expect(dispatches).toHaveBeenCalledTimes(ordinary);
  });

  test('the same outputs asked for twice make nothing the second time', async () => {
    const vit = await load(await tinyModel(), 'webgpu');
    await vit.forward(pixels(1), { outputs: ['attention'] });
    const create = vi.spyOn(GPUDevice.prototype, 'createBuffer');
    await vit.forward(pixels(1), { outputs: ['attention'] });
    expect(create).not.toHaveBeenCalled();
  });
});

describe('outputs that a model has not', () => {
  test('are refused by name', async () => {
    const headless = await load(await tinyModel({ ...TINY, classes: 0 }), 'webgpu');
    await expect(headless.forward(pixels(1))).rejects.toThrow('has no classes, so it gives no logits');
    const dense = await load(await tinyModel({ ...TINY, classes: 0, pooling: 'none' }), 'webgpu');
    await expect(dense.forward(pixels(1), { outputs: ['embedding'] })).rejects.toThrow('does not pool its tokens');
    await expect(dense.forward(pixels(1), { outputs: ['words' as OutputName] })).rejects.toThrow('no output "words"');
  });
});
