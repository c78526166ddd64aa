/**
 * Many calls at once: their order, their batches, and what is left of them when they are given up.
 */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { EngineHost } from '../../src/engine/host.ts';
import { type LoadOptions, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { random } from '../harness/arrays.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
const open: ViT[] = [];

beforeAll(async () => {
  files = await tinyModel();
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: LoadOptions = {}): Promise<ViT> {
  const vit = await loadViT(files, { worker: false, backend: 'webgpu', ...options });
  open.push(vit);
  return vit;
}

/** Fifty pictures that are all different. */
const pictures = () =>
  Array.from({ length: 50 }, (_, i) => plainImage(5 + (i % 7), 4 + (i % 5), [i * 5, 255 - i * 3, (i * 37) % 256]));

/** Sizes of the engine's batches of pictures. `begun` is called with the count of batches before each. */
function watchBatches(begun: (count: number) => unknown = () => {}): number[] {
  const sizes: number[] = [];
  const original = EngineHost.prototype.runImages;
  vi.spyOn(EngineHost.prototype, 'runImages').mockImplementation(async function (this: EngineHost, images, outputs) {
    sizes.push(images.length);
    await begun(sizes.length);
    return original.call(this, images, outputs);
  });
  return sizes;
}

const isAborted = { code: 'aborted' };
const isDisposed = { code: 'disposed' };

/** Milliseconds from `act` to the rejection of `promise`. */
async function timeToReject(promise: Promise<unknown>, expected: object, act: () => void): Promise<number> {
  const start = performance.now();
  act();
  await expect(promise).rejects.toMatchObject(expected);
  return performance.now() - start;
}

describe('calls at once', () => {
  shareDevice();

  for (const options of [
    { backend: 'webgpu' },
    { backend: 'cpu' },
    { backend: 'cpu', worker: undefined },
  ] as LoadOptions[]) {
    test(`50 at once give exactly what 50 one after another give: ${JSON.stringify(options)}`, async () => {
      const vit = await load(options);
      const alone = [];
      for (const picture of pictures()) alone.push(await vit.classify(picture));
      const finished: number[] = [];
      const together = await Promise.all(
        pictures().map(async (picture, i) => {
          const labels = await vit.classify(picture);
          finished.push(i);
          return labels;
        }),
      );
      expect(together).toEqual(alone);
      // Each with its own time, which no other answer has.
      expect(new Set(together.map(({ timing }) => timing)).size).toBe(together.length);
      for (const { timing } of together) expect(timing.run).toBeGreaterThan(0);
      expect(together.at(-1)!.timing).toBe(vit.lastTiming);
      expect(finished).toEqual([...finished].sort((a, b) => a - b));
    });
  }

  test('every kind of call at once, each with its own answer', async () => {
    const vit = await load({ backend: 'webgpu' });
    const [a, b, c] = pictures();
    const pixels = { data: random(768, 3), shape: [1, 3, 16, 16] };
    const calls = () =>
      [
        () => vit.classify(a),
        () => vit.embed(b),
        () => vit.classify([c, a]),
        () => vit.forward(pixels),
        () => vit.classify(b, { activation: 'none', topK: 2 }),
        () => vit.preprocess(c),
        () => vit.embed([a, b], { normalize: true }),
      ] as (() => Promise<unknown>)[];
    const alone = [];
    for (const call of calls()) alone.push(await call());
    expect(await Promise.all(calls().map((call) => call()))).toEqual(alone);
  });

  test('those that wait are computed together, up to eight', async () => {
    const vit = await load({ backend: 'webgpu' });
    let calls: Promise<unknown>[] = [];
    const sizes = watchBatches((count) => {
      if (count === 1)
        calls = pictures()
          .slice(0, 19)
          .map((picture) => vit.classify(picture));
    });
    await vit.classify(pictures()[0]);
    await Promise.all(calls);
    expect(sizes).toEqual([1, 8, 8, 3]);
  });

  test('a call between them keeps its place', async () => {
    const vit = await load({ backend: 'webgpu' });
    const sizes = watchBatches();
    const memory = vi.spyOn(EngineHost.prototype, 'memory').mockImplementation(async () => {
      sizes.push(0);
      return { gpu: 0, cpu: 0 };
    });
    const [a] = pictures();
    await Promise.all([vit.classify(a), vit.classify(a), vit.memory(), vit.classify(a)]);
    expect(memory).toHaveBeenCalledTimes(1);
    expect(sizes).toEqual([2, 0, 1]);
  });

  test('a picture that is none fails its own call, not its neighbours', async () => {
    for (const backend of ['webgpu', 'cpu'] as const) {
      const vit = await load({ backend });
      const [a, b, c] = pictures();
      const expected = [await vit.classify(a), await vit.classify(b)];
      const text = new File(['text'], 'notes.txt');
      const results = await Promise.allSettled(
        [a, text, b, [c, text], 42 as unknown as Blob].map((input) => vit.classify(input as Blob)),
      );
      expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code))).toEqual([
        expected[0],
        'bad-image',
        expected[1],
        'bad-image',
        'bad-input',
      ]);
    }
  });

  test('a picture is taken when the call is made', async () => {
    const vit = await load({ backend: 'cpu' });
    const canvas = new OffscreenCanvas(16, 16);
    const context = canvas.getContext('2d')!;
    const paint = (colour: string) => {
      context.fillStyle = colour;
      context.fillRect(0, 0, 16, 16);
    };
    paint('red');
    const red = await vit.classify(canvas);
    const calls = [vit.classify(pictures()[0]), vit.classify(canvas)];
    paint('blue');
    expect((await Promise.all(calls))[1]).toEqual(red);
  });

  test('a batch that does not fit the memory is computed in smaller ones', async () => {
    const vit = await load({ backend: 'webgpu' });
    const alone = await vit.classify(pictures());
    const sizes: number[] = [];
    const original = GpuBackend.prototype.run;
    vi.spyOn(GpuBackend.prototype, 'run').mockImplementation(async function (this: GpuBackend, input, outputs) {
      sizes.push(input.batch);
      if (input.batch > 10) throw Object.assign(new Error('full'), { code: 'out-of-memory' });
      return original.call(this, input, outputs);
    });
    expect(await vit.classify(pictures())).toEqual(alone);
    expect(sizes).toEqual([32, 16, 8, 8, 8, 8, 8, 8, 2]);
  });
});

describe('a signal', () => {
  shareDevice();

  for (const options of [{ backend: 'webgpu' }, { backend: 'cpu', worker: undefined }] as LoadOptions[]) {
    test(`waiting or running, within 50 ms; the others are answered: ${JSON.stringify(options)}`, async () => {
      const vit = await load(options);
      const expected = await vit.classify(pictures().slice(0, 12));
      for (const victim of [0, 1, 5, 11]) {
        const controller = new AbortController();
        const calls = pictures()
          .slice(0, 12)
          .map((picture, i) => vit.classify(picture, i === victim ? { signal: controller.signal } : {}));
        const others = Promise.all(calls.filter((_, i) => i !== victim));
        expect(await timeToReject(calls[victim], isAborted, () => controller.abort())).toBeLessThan(50);
        expect(await others).toEqual(expected.filter((_, i) => i !== victim));
      }
    });
  }

  test('while this very thread computes: within 50 ms, for the work pauses', async () => {
    const model = new URL('/weights/vit-cifar10/model.json', location.href);
    const vit = await loadViT(model, { worker: false, backend: 'cpu' });
    open.push(vit);
    const [a, b] = pictures();
    const expected = await vit.classify(b);
    for (const act of ['abort', 'dispose'] as const) {
      const controller = new AbortController();
      // More than a moment's work, on any machine.
      const call = vit.classify(new Array<ImageData>(200).fill(a), { signal: controller.signal });
      let actedAt = 0;
      setTimeout(() => {
        actedAt = performance.now();
        if (act === 'abort') controller.abort();
        else vit.dispose();
      }, 30);
      await expect(call).rejects.toMatchObject(act === 'abort' ? isAborted : isDisposed);
      expect(performance.now() - actedAt).toBeLessThan(50);
      if (act === 'abort') expect(await vit.classify(b)).toEqual(expected);
    }
  });

  test('while the GPU computes: the result is dropped, and the next call is right', async () => {
    const vit = await load({ backend: 'webgpu' });
    const [a, b] = pictures();
    const expected = await vit.classify(b);
    const controller = new AbortController();
    const submit = GPUQueue.prototype.submit;
    let abortedAt = 0;
    vi.spyOn(GPUQueue.prototype, 'submit').mockImplementation(function (this: GPUQueue, buffers) {
      submit.call(this, buffers);
      abortedAt ||= performance.now();
      controller.abort();
    });
    await expect(vit.classify(a, { signal: controller.signal })).rejects.toMatchObject(isAborted);
    expect(performance.now() - abortedAt).toBeLessThan(50);
    expect(await vit.classify(b)).toEqual(expected);
  });

  test('a waiting call that was aborted is not computed', async () => {
    const vit = await load({ backend: 'webgpu' });
    const controller = new AbortController();
    let waiting: Promise<unknown>[] = [];
    const sizes = watchBatches(async (count) => {
      if (count > 1) return;
      waiting = [undefined, controller.signal, undefined].map((signal, i) => vit.classify(pictures()[i], { signal }));
      controller.abort();
      await expect(waiting[1]).rejects.toMatchObject(isAborted);
    });
    await vit.classify(pictures()[0]);
    await Promise.all([waiting[0], waiting[2]]);
    expect(sizes).toEqual([1, 2]);
  });

  test('a picture that never arrives is let go, and the queue goes on', async () => {
    const vit = await load({ backend: 'cpu' });
    vi.spyOn(globalThis, 'fetch').mockImplementation(
      (_, init) =>
        new Promise((_, reject) => init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason))),
    );
    const controller = new AbortController();
    const stuck = vit.classify('https://images.test/slow.png', { signal: controller.signal });
    const next = vit.classify(pictures()[0]);
    await new Promise(requestAnimationFrame);
    controller.abort();
    await expect(stuck).rejects.toMatchObject(isAborted);
    expect(await next).toHaveLength(5);
  });
});

describe('a signal for a load', () => {
  // A load stops at whatever it is doing: the moments are those at which it reports or requests something.
  for (const backend of ['cpu', 'webgpu'] as const) {
    test(`at every moment of a load: rejected within 50 ms, and everything is freed (${backend})`, async () => {
      const created = new Set<GPUDevice>();
      const request = GPUAdapter.prototype.requestDevice;
      vi.spyOn(GPUAdapter.prototype, 'requestDevice').mockImplementation(async function (this: GPUAdapter, ...args) {
        const device = await request.apply(this, args);
        created.add(device);
        device.lost.then(() => created.delete(device));
        return device;
      });
      for (let moment = 0; ; moment += backend === 'cpu' ? 1 : 4) {
        const controller = new AbortController();
        let abortedAt = 0;
        let seen = 0;
        const loading = loadViT(files, {
          worker: false,
          backend,
          signal: controller.signal,
          onProgress() {
            if (seen++ < moment) return;
            abortedAt ||= performance.now();
            controller.abort();
          },
        });
        const outcome = await loading.catch((error) => error);
        if (abortedAt === 0) {
          open.push(outcome);
          break;
        }
        expect(outcome).toMatchObject(isAborted);
        expect(performance.now() - abortedAt).toBeLessThan(50);
      }
      // That of the load that was not aborted; the others are gone, or going.
      await vi.waitFor(() => expect(created.size).toBe(backend === 'cpu' ? 0 : 1), { timeout: 10_000 });
    });
  }

  test('while the worker starts', async () => {
    const controller = new AbortController();
    const terminate = vi.spyOn(Worker.prototype, 'terminate');
    const loading = loadViT(files, { backend: 'cpu', signal: controller.signal });
    await vi.waitFor(() => {});
    expect(await timeToReject(loading, isAborted, () => controller.abort())).toBeLessThan(50);
    expect(terminate).toHaveBeenCalledTimes(1);
  });
});

describe('dispose', () => {
  shareDevice();

  for (const options of [{ backend: 'webgpu' }, { backend: 'cpu', worker: undefined }] as LoadOptions[]) {
    test(`settles every call, whatever it is doing: ${JSON.stringify(options)}`, async () => {
      const vit = await load(options);
      const [a] = pictures();
      const calls = [
        vit.classify(a),
        vit.embed([a, a]),
        vit.forward({ data: random(768, 3), shape: [1, 3, 16, 16] }),
        vit.preprocess(a),
        vit.selfTest(),
        vit.memory(),
        ...pictures().map((picture) => vit.classify(picture)),
      ];
      vit.dispose();
      for (const result of await Promise.allSettled(calls)) expect(result).toMatchObject({ reason: isDisposed });
      await expect(vit.classify(a)).rejects.toMatchObject(isDisposed);
      vit.dispose();
    });
  }

  test('in the middle of a run', async () => {
    const vit = await load({ backend: 'webgpu' });
    const submit = GPUQueue.prototype.submit;
    vi.spyOn(GPUQueue.prototype, 'submit').mockImplementation(function (this: GPUQueue, buffers) {
      submit.call(this, buffers);
      vit.dispose();
    });
    const calls = [vit.classify(pictures()[0]), vit.classify(pictures()[1])];
    for (const call of calls) await expect(call).rejects.toMatchObject(isDisposed);
  });
});

describe('nothing leaks', () => {
  shareDevice();

  /** Bytes of all GPU buffers and textures that are neither destroyed nor lost with their device. */
  function countGpuBytes(): () => number {
    const bytes = new Map<object, number>();
    const watch = (create: 'createBuffer' | 'createTexture', size: (made: never) => number) => {
      const original = GPUDevice.prototype[create] as (...args: unknown[]) => object;
      vi.spyOn(GPUDevice.prototype, create).mockImplementation(function (this: GPUDevice, ...args: unknown[]) {
        const made = original.apply(this, args);
        bytes.set(made, size(made as never));
        return made as never;
      });
    };
    watch('createBuffer', ({ size }: GPUBuffer) => size);
    watch('createTexture', ({ width, height }: GPUTexture) => width * height * 4);
    for (const type of [GPUBuffer, GPUTexture]) {
      const original = type.prototype.destroy;
      vi.spyOn(type.prototype, 'destroy').mockImplementation(function (this: GPUBuffer & GPUTexture) {
        bytes.delete(this);
        return original.call(this);
      });
    }
    return () => [...bytes.values()].reduce((a, b) => a + b, 0);
  }

  test('1,000 runs, of one and of several pictures: the GPU memory that memory() reports, and no more', async () => {
    const bytes = countGpuBytes();
    const vit = await loadViT(await tinyModel({ ...TINY, depth: 1 }), { worker: false, backend: 'webgpu' });
    open.push(vit);
    const shown = pictures();
    await vit.classify(shown.slice(0, 3));
    const before = bytes();
    expect((await vit.memory()).gpu).toBe(before);
    for (let i = 0; i < 500; i++) {
      await vit.classify(shown[i % 50]);
      await vit.embed(shown.slice(0, 2));
    }
    expect(bytes()).toBe(before);
    expect((await vit.memory()).gpu).toBe(before);
    vit.dispose();
    expect(bytes()).toBe(0);
  });

  test('loads and disposals in this thread', async () => {
    const bytes = countGpuBytes();
    for (let i = 0; i < 12; i++) {
      const vit = await load({ backend: 'webgpu' });
      if (i % 2) await vit.classify(pictures()[i]);
      vit.dispose();
      expect(bytes()).toBe(0);
    }
  });

  test('loads and disposals of workers: each is ended once', async () => {
    const started = vi.fn();
    const terminate = vi.spyOn(Worker.prototype, 'terminate');
    const worker = () => {
      started();
      return new Worker(new URL('../../src/worker/worker.ts', import.meta.url), { type: 'module' });
    };
    for (let i = 0; i < 20; i++) (await loadViT(files, { backend: 'cpu', worker })).dispose();
    await expect(loadViT({ ...files, shards: [] }, { backend: 'cpu', worker })).rejects.toMatchObject({
      code: 'bad-shard',
    });
    expect(started).toHaveBeenCalledTimes(21);
    expect(terminate).toHaveBeenCalledTimes(21);
  });
});
