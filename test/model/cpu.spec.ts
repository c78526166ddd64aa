/**
 * The model on the CPU: when it is taken, on what it runs, and what becomes of it where WebAssembly cannot be used.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type EngineEvent, type LoadOptions, loadViT, type ViT } from '../../src/index.ts';
import { forgetFindings } from '../../src/weights/findings.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { pretendHardware } from '../harness/hardware.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { TINY, TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

const open: ViT[] = [];
let events: EngineEvent[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  forgetFindings();
  events = [];
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: LoadOptions = {}, architecture = TINY): Promise<ViT> {
  const onEvent = (event: EngineEvent) => events.push(event);
  const vit = await loadViT(await tinyModel(architecture), { worker: false, cache: false, onEvent, ...options });
  open.push(vit);
  return vit;
}

const pixels = { data: random(3 * 3 * 16 * 16, 1), shape: [3, 3, 16, 16] };

/** As in a browser without SIMD: the probes are refused. */
const withoutSimd = () => vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);

describe('is taken', () => {
  test('where the adapter is a software one, and says why', async () => {
    const { info } = await load();
    expect(info).toMatchObject({ backend: 'cpu', adapter: null, fallbackReason: expect.stringMatching(/software/) });
  });

  test('not where WebGPU is asked for by name', async () => {
    expect((await load({ backend: 'webgpu' })).info).toMatchObject({ backend: 'webgpu', cpu: null });
  });

  test('not where the adapter is a GPU', async () => {
    pretendHardware();
    expect((await load()).info).toMatchObject({ backend: 'webgpu', cpu: null });
  });
});

describe('runs', () => {
  test.each([
    ['in this thread', false],
    ['in the worker', undefined],
  ] as const)('on WebAssembly with relaxed SIMD %s', async (_, worker) => {
    const { info } = await load({ backend: 'cpu', worker });
    expect(info).toMatchObject({ backend: 'cpu', cpu: { simd: 'relaxed', threads: 1 }, dtype: 'f32' });
    expect(events).toEqual([]);
  });

  test('on plain SIMD where relaxed SIMD is not known', async () => {
    const validate = WebAssembly.validate.bind(WebAssembly);
    vi.spyOn(WebAssembly, 'validate').mockImplementation(
      (module) => (module as Uint8Array).length < 40 && validate(module),
    );
    const vit = await load({ backend: 'cpu' });
    expect(vit.info.cpu).toEqual({ simd: 'plain', threads: 1 });
    expect((await vit.selfTest()).passed).toBe(true);
  });

  test('every output, for a batch, as the reference has it', async () => {
    const outputs = ['logits', 'probabilities', 'embedding', 'tokens', 'hidden', 'attention'] as const;
    const fast = await (await load({ backend: 'cpu' })).forward(pixels, { outputs: [...outputs] });
    withoutSimd();
    const exact = await (await load({ backend: 'cpu' })).forward(pixels, { outputs: [...outputs] });
    for (const name of outputs) {
      expect(fast[name]!.shape).toEqual(exact[name]!.shape);
      expectClose(fast[name]!.data, exact[name]!.data, 1e-5);
      // Else this would be the reference twice.
      if (name !== 'probabilities') expect(fast[name]!.data).not.toEqual(exact[name]!.data);
    }
  });

  test('in half the memory with f16, where a batch larger than before takes more once', async () => {
    const wide = { ...TINY, width: 384, mlpWidth: 1536 };
    const bytes: Record<string, number> = {};
    for (const dtype of ['f32', 'f16'] as const) {
      const vit = await load({ backend: 'cpu', dtype }, wide);
      expect(vit.info.dtype).toBe(dtype);
      const before = (await vit.memory()).cpu;
      await vit.forward(pixels);
      const after = (await vit.memory()).cpu;
      for (let run = 0; run < 20; run++) await vit.forward(pixels);
      expect((await vit.memory()).cpu).toBe(after);
      bytes[dtype] = before;
    }
    // What is given in memory counts, too: as f32 in both.
    const given = (await tinyModel(wide)).shards.reduce((sum, shard) => sum + shard.length, 0);
    expect((bytes.f16 - given) / (bytes.f32 - given)).toBeLessThan(0.55);
  });

  test.each([1, 2])('photos of any size in the memory of the largest, on threads: %i', async (threads) => {
    const vit = await load({ backend: 'cpu', threads });
    const photos = [
      [40, 30],
      [900, 40],
      [1500, 1000],
      [50, 1200],
    ].map(([width, height]) => new ImageData(width, height));
    const heldAfter = async (work: () => Promise<unknown>) => {
      await work();
      return (await vit.memory()).cpu;
    };
    const [small, , large] = [
      await heldAfter(() => vit.classify(photos[0])),
      await heldAfter(() => vit.classify(photos)),
      await heldAfter(() => vit.classify(photos[2])),
    ];
    // Else nothing would be seen of it.
    expect(large).toBeGreaterThan(small);
    for (let round = 0; round < 5; round++) {
      for (const photo of photos) expect(await heldAfter(() => vit.classify(photo))).toBe(large);
      expect(await heldAfter(() => vit.classify(photos))).toBe(large);
    }
  });

  test('each kernel right, by the self-test', async () => {
    const { passed, kernels } = await (await load({ backend: 'cpu' }, TINY_CLIP)).selfTest();
    expect(passed).toBe(true);
    const names = kernels.map(({ kernel }) => kernel);
    expect(names).toEqual(expect.arrayContaining(['patchify', 'layer-norm', 'matmul', 'attention', 'head']));
    expect(kernels.every(({ error }) => error > 0 || error === 0)).toBe(true);
  });
});

describe('without WebAssembly it is the reference, after one warning', () => {
  async function expectReference(message: RegExp, options: LoadOptions = {}) {
    const vit = await load({ backend: 'cpu', ...options });
    expect(vit.info.cpu).toEqual({ simd: 'none', threads: 1 });
    expect(events).toEqual([{ type: 'warning', message: expect.stringMatching(message) }]);
    expect((await vit.selfTest()).passed).toBe(true);
  }

  test('where there is no SIMD', async () => {
    withoutSimd();
    await expectReference(/no WebAssembly SIMD/);
  });

  test('where a Content Security Policy refuses it', async () => {
    const refusal = new WebAssembly.CompileError("'unsafe-eval' is not an allowed source of script");
    vi.spyOn(WebAssembly, 'instantiate').mockRejectedValue(refusal);
    await expectReference(/wasm-unsafe-eval/);
  });

  test('where nothing beside the library is served there is no CPU to fall back on: an error that says what to serve', async () => {
    const options = { worker: sourceWorker, assets: '/nowhere/', backend: 'cpu' } as const;
    const error = await loadViT(await tinyModel(), options).catch((error) => error);
    expect(error).toMatchObject({ code: 'network' });
    expect(error.message).toMatch(/nowhere\/reference\.js.*dist\/lib/);
  });

  test('where a kernel is wrong', async () => {
    const instantiate = WebAssembly.instantiate as (module: WebAssembly.Module, imports: object) => Promise<unknown>;
    vi.spyOn(WebAssembly, 'instantiate').mockImplementation((async (module: WebAssembly.Module, imports: object) => {
      const { exports } = (await instantiate(module, imports)) as {
        exports: Record<string, (...args: number[]) => void>;
      };
      const { memory } = (imports as { env: { memory: WebAssembly.Memory } }).env;
      const layerNorm = (...args: number[]) => {
        exports.layerNorm(...args);
        const y = args.at(-2)!;
        new Float32Array(memory.buffer, y, 1)[0] += 0.01;
      };
      return { exports: { ...exports, layerNorm } };
    }) as unknown as typeof WebAssembly.instantiate);
    await expectReference(/kernel layer-norm gives wrong results/);
  });
});

test('disposed in the middle of a run, it stops there', async () => {
  const vit = await load({ backend: 'cpu' }, { ...TINY, depth: 200 });
  const running = vit.forward(pixels);
  vit.dispose();
  await expect(running).rejects.toMatchObject({ code: 'disposed' });
});

function sourceWorker(): Worker {
  return new Worker(new URL('../../src/worker/worker.ts', import.meta.url), { type: 'module' });
}
