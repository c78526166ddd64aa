/**
 * Nothing is left behind, however often: bytes on the GPU, counted where they are asked for, objects of
 * JavaScript, counted in heap snapshots, and workers. The library is the built one.
 */
import { expect, type Page, test } from '@playwright/test';
import { TINY } from '../harness/tiny-model.ts';
import { Heap, type Held } from './heap.ts';
import { type BuiltServer, serveBuilt, serveTinyModel } from './server.ts';

type Library = typeof import('../../src/index.ts');
type ViT = import('../../src/index.ts').ViT;

/** What the page's script has at hand. */
interface Scene {
  library: Library;
  vit: ViT;
  gpuBytes: () => number;
}
declare const scene: Scene;

/**
 * What may be more afterwards, in the page and its workers. Of buffers in bytes: measured 0, and a picture here has 5,000. Of
 * objects: one of each load, or of each tenth call, is too many. Of their bytes: the manifest of one load alone is 180 KB, an
 * answer some 500 bytes. Compiled code counts for neither: how much of it there is, is V8's affair.
 */
const BUFFERS = 2_000;
const OF_LOADS = { count: 20, objects: 20_000 };
const OF_CALLS = { count: 100, objects: 20_000 };

let server: BuiltServer;
test.beforeAll(async () => {
  server = await serveBuilt();
  await serveTinyModel(server, { ...TINY, depth: 1 });
});
test.afterAll(() => server.close());

/** Counts what is asked of the GPU in this page, not in its workers. */
function countGpuBytes(): () => number {
  const bytes = new Map<WeakRef<object>, number>();
  const refs = new WeakMap<object, WeakRef<object>>();
  const count = (create: 'createBuffer' | 'createTexture', size: (made: never) => number) => {
    const original = GPUDevice.prototype[create] as (...args: unknown[]) => object;
    GPUDevice.prototype[create] = function (this: GPUDevice, ...args: unknown[]) {
      const made = original.apply(this, args);
      refs.set(made, new WeakRef(made));
      bytes.set(refs.get(made)!, size(made as never));
      return made as never;
    };
  };
  count('createBuffer', ({ size }: GPUBuffer) => size);
  count('createTexture', ({ width, height }: GPUTexture) => width * height * 4);
  for (const type of [GPUBuffer, GPUTexture]) {
    const original = type.prototype.destroy;
    type.prototype.destroy = function (this: GPUBuffer & GPUTexture) {
      bytes.delete(refs.get(this)!);
      return original.call(this);
    };
  }
  return () => [...bytes.values()].reduce((a, b) => a + b, 0);
}

function expectNoMore(after: Held, before: Held, most: { count: number; objects: number }): void {
  expect(after.buffers - before.buffers, 'bytes of buffers').toBeLessThan(BUFFERS);
  expect(after.count - before.count, 'objects').toBeLessThan(most.count);
  expect(after.objects - before.objects, 'bytes of objects').toBeLessThan(most.objects);
}

async function open(page: Page): Promise<Heap> {
  await page.goto(server.origin);
  await page.evaluate(
    `globalThis.scene = { gpuBytes: (${countGpuBytes})() }; import('/lib/index.js').then((library) => { scene.library = library; })`,
  );
  await page.waitForFunction(() => scene.library);
  return Heap.of(page);
}

interface Options {
  backend: 'webgpu' | 'cpu';
  worker?: false;
  /** All models on one device, for which their kernels are compiled once. */
  oneDevice?: true;
}

/** Loads, asks once, and disposes, `times` times. */
function cycle(page: Page, times: number, options: Options, model = '/weights/vit-cifar10'): Promise<void> {
  return page.evaluate(
    async ({ times, options: { oneDevice, ...options }, model }) => {
      const device = oneDevice && (await (await navigator.gpu.requestAdapter())!.requestDevice());
      for (let i = 0; i < times; i++) {
        const vit = await scene.library.loadViT(`${model}/model.json`, { ...options, device });
        await vit.classify(new ImageData(40, 30));
        vit.dispose();
        if (scene.gpuBytes() !== 0) throw new Error(`${scene.gpuBytes()} bytes are left on the GPU`);
      }
      device?.destroy();
    },
    { times, options, model },
  );
}

for (const [where, options] of [
  ['on the GPU', { backend: 'webgpu', worker: false }],
  ['in workers', { backend: 'cpu' }],
] as [string, Options][]) {
  test(`20 loads and disposals ${where}`, async ({ page }) => {
    test.setTimeout(600_000);
    const heap = await open(page);
    const noWorkers = () => expect.poll(() => heap.workers).toBe(0);
    // Until the code of a load is compiled, which does not depend on the model, and what is made once is there.
    await cycle(page, 15, options.backend === 'webgpu' ? { ...options, oneDevice: true } : options, '/tiny');
    await cycle(page, 2, options);
    await noWorkers();
    const before = await heap.held();
    await cycle(page, 20, options);
    await noWorkers();
    expect(page.workers()).toHaveLength(0);
    expectNoMore(await heap.held(), before, OF_LOADS);
  });
}

for (const where of ['worker', 'page'] as const) {
  test(`1,000 runs in a ${where}`, async ({ page }) => {
    test.setTimeout(180_000);
    const heap = await open(page);
    const run = (times: number) =>
      page.evaluate(async (times) => {
        for (let i = 0; i < times; i++) await scene.vit.classify(new ImageData(40 + (i % 7), 30));
        return { memory: await scene.vit.memory(), counted: scene.gpuBytes() };
      }, times);
    await page.evaluate(async (where) => {
      const options = where === 'page' ? { worker: false as const } : {};
      scene.vit = await scene.library.loadViT('/tiny/model.json', { backend: 'webgpu', ...options });
    }, where);
    const workers = where === 'page' ? 0 : 1;
    const { memory, counted } = await run(300);
    expect(heap.workers).toBe(workers);
    const before = await heap.held();
    const after = await run(1000);
    expectNoMore(await heap.held(), before, OF_CALLS);
    expect(after).toEqual({ memory, counted });
    if (where === 'page') expect(counted).toBe(memory.gpu);
    expect(heap.workers).toBe(workers);
    await page.evaluate(() => scene.vit.dispose());
    await expect.poll(() => heap.workers).toBe(0);
  });
}
