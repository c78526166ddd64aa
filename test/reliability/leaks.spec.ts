/**
 * Nothing is left behind, however often: bytes on the GPU, counted where they are asked for, bytes of JavaScript, counted
 * by the browser, and workers. The library is the built one.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { Heap } from './heap.ts';
import { type BuiltServer, serveBuilt } from './server.ts';

type Library = typeof import('../../src/index.ts');
type ViT = import('../../src/index.ts').ViT;

/** What the page's script has at hand. */
interface Scene {
  library: Library;
  vit: ViT;
  gpuBytes: () => number;
}
declare const scene: Scene;

/** Bytes that come and go by themselves, of 1,000 calls. In buffers: a picture here has 5,000, and none may stay. */
const BUFFERS = 20_000;
/** In objects: what is compiled better the more often it runs, and tables that grow. 300 bytes of each call show. */
const OBJECTS = 300_000;
/** Of 20 loads, in both: more code runs in a load, and the shards of the model have 5 million. */
const OF_LOADS = 600_000;

let server: BuiltServer;
test.beforeAll(async () => {
  server = await serveBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-leaks-'));
  const source = 'test/fixtures/families/hf-vit';
  const how = ['--mean', '0.5,0.5,0.5', '--std', '0.5,0.5,0.5', '--filter', 'bilinear', '--resize', 'squash:32x32'];
  const args = ['convert', `${source}/model.safetensors`, '--config', `${source}/config.json`, ...how, '--out', folder];
  execFileSync('node', ['dist/cli/vit-webgpu.js', ...args], { stdio: 'pipe' });
  for (const file of readdirSync(folder)) server.extra.set(`/small/${file}`, readFileSync(join(folder, file)));
  rmSync(folder, { recursive: true });
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

const total = ({ buffers, objects }: { buffers: number; objects: number }) => buffers + objects;

async function open(page: Page): Promise<Heap> {
  await page.goto(server.origin);
  await page.evaluate(
    `globalThis.scene = { gpuBytes: (${countGpuBytes})() }; import('/lib/index.js').then((library) => { scene.library = library; })`,
  );
  await page.waitForFunction(() => scene.library);
  return Heap.of(page);
}

/** Loads, asks once, and disposes, `times` times. */
function cycle(page: Page, times: number, options: { backend: 'webgpu' | 'cpu'; worker?: false }): Promise<void> {
  return page.evaluate(
    async ({ times, options }) => {
      for (let i = 0; i < times; i++) {
        const vit = await scene.library.loadViT('/weights/vit-cifar10/model.json', options);
        await vit.classify(new ImageData(40, 30));
        vit.dispose();
        if (scene.gpuBytes() !== 0) throw new Error(`${scene.gpuBytes()} bytes are left on the GPU`);
      }
    },
    { times, options },
  );
}

test('20 loads and disposals of a model on the GPU', async ({ page }) => {
  test.setTimeout(600_000);
  const heap = await open(page);
  // What is made once for all loads is there after the second.
  await cycle(page, 2, { backend: 'webgpu', worker: false });
  const before = await heap.bytes();
  await cycle(page, 20, { backend: 'webgpu', worker: false });
  expect(total(await heap.bytes()) - total(before)).toBeLessThan(OF_LOADS);
});

test('20 loads and disposals in workers', async ({ page }) => {
  test.setTimeout(180_000);
  const heap = await open(page);
  await cycle(page, 2, { backend: 'cpu' });
  await expect.poll(() => heap.workers).toBe(0);
  const before = await heap.bytes();
  await cycle(page, 20, { backend: 'cpu' });
  await expect.poll(() => heap.workers).toBe(0);
  expect(page.workers()).toHaveLength(0);
  expect(total(await heap.bytes()) - total(before)).toBeLessThan(OF_LOADS);
});

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
      scene.vit = await scene.library.loadViT('/small/model.json', { backend: 'webgpu', ...options });
    }, where);
    const workers = where === 'page' ? 0 : 1;
    const { memory, counted } = await run(300);
    expect(heap.workers).toBe(workers);
    const before = await heap.bytes();
    const after = await run(1000);
    const held = await heap.bytes();
    expect(held.buffers - before.buffers).toBeLessThan(BUFFERS);
    expect(held.objects - before.objects).toBeLessThan(OBJECTS);
    expect(after).toEqual({ memory, counted });
    if (where === 'page') expect(counted).toBe(memory.gpu);
    expect(heap.workers).toBe(workers);
    await page.evaluate(() => scene.vit.dispose());
    await expect.poll(() => heap.workers).toBe(0);
  });
}
