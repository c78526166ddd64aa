/**
 * Checkpoints in the tab, as they are: from a Hub of another origin, and dropped. In Chrome, with a worker, and with what the browser
 * keeps from one visit to the next.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import type { Conversion } from '../../src/convert/answers.ts';
import { bytesSource } from '../../src/convert/byte-source.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { type ModelOptions, prepareModel } from '../../src/convert/prepare-model.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import type { LoadOptions } from '../../src/index.ts';
import { type HubFixture, HubServer, MADE_UP, TIMM_CONFIG } from '../harness/hub-server.ts';
import { type BuiltServer, serveBuilt } from './server.ts';

let server: BuiltServer;
let hub: HubServer;
let endpoint: string;

test.beforeAll(async () => {
  server = await serveBuilt();
  hub = new HubServer({ ...MADE_UP });
  endpoint = await hub.start();
});
test.afterAll(() => {
  server.close();
  hub.stop();
});
test.beforeEach(async ({ page }) => {
  hub.fixture = { ...MADE_UP };
  hub.requests.length = 0;
  await page.goto(server.origin);
});

interface Outcome {
  name?: string;
  labels?: string[];
  scores?: number[];
  progress: number[];
  error?: { code: string; message: string; questions?: { name: string }[] };
  events: string[];
  /** Names in the folder that the browser keeps. */
  kept: string[];
  cached: { name: string; url: string; cachedBytes: number; bytes: number }[];
}

/** Loads in the page, classifies a picture, and says what is kept then. @param source null: the files of the page's `<input>` */
function load(page: Page, source: string | null, options: LoadOptions = {}): Promise<Outcome> {
  return page.evaluate(
    async ({ source, options }) => {
      const library = '/lib/index.js';
      const { loadViT, cachedModels } = (await import(library)) as typeof import('../../src/index.ts');
      const outcome: Outcome = { progress: [], events: [], kept: [], cached: [] };
      try {
        const given = source ?? document.querySelector('input')!.files!;
        const vit = await loadViT(given, {
          backend: 'cpu',
          ...options,
          onProgress: ({ stage, loaded, total }) => stage === 'weights' && outcome.progress.push(loaded / total),
          onEvent: ({ message }) => outcome.events.push(message),
        });
        const list = await vit.classify(new ImageData(40, 30));
        Object.assign(outcome, {
          name: vit.info.name,
          labels: vit.info.labels,
          scores: list.map(({ score }) => score),
        });
        vit.dispose();
      } catch (error) {
        const { code, message, questions } = error as NonNullable<Outcome['error']>;
        outcome.error = { code, message, questions };
      }
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('vit-webgpu', { create: true });
      for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
        // What was found out about this machine is not the model's, nor what a worker was writing of it when it was ended.
        if (!/\.finding(\.part)?$/.test(name)) outcome.kept.push(name);
      }
      outcome.cached = await cachedModels();
      return outcome;
    },
    { source, options },
  );
}

const ADDRESS = `hf:${MADE_UP.repo}`;
const fromHub = (page: Page, options: LoadOptions = {}) =>
  load(page, ADDRESS, { ...options, hub: { endpoint, ...options.hub } });
const downloads = () => hub.requests.filter(({ url, range }) => url.endsWith('model.safetensors') && range);

test('the second visit asks for nothing, and what was downloaded is gone once it is converted', async ({ page }) => {
  const first = await fromHub(page);
  expect(first).toMatchObject({ name: 'vit-made-up', labels: ['cat', 'dog', 'bird'], events: [] });
  expect(first.error).toBeUndefined();
  expect(first.progress.at(-1)).toBe(1);
  expect(first.kept.filter((name) => name.endsWith('.checkpoint'))).toEqual([]);
  const [{ url, cachedBytes, bytes }] = first.cached;
  expect(url).toMatch(/^hf:somebody\/vit-made-up@main#[0-9a-f]{16}$/);
  expect(cachedBytes).toBe(bytes);

  hub.requests.length = 0;
  await page.reload();
  const second = await fromHub(page);
  expect(hub.requests).toEqual([]);
  expect(second.scores).toEqual(first.scores);
  // Something else is wanted of it: that is another model.
  const other = await fromHub(page, { convert: { dtype: 'f16' } });
  expect(hub.requests.length).toBeGreaterThan(0);
  expect(other.cached).toHaveLength(2);
});

test('a shard that is damaged is made again of the same commit', async ({ page }) => {
  const first = await fromHub(page);
  await page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('vit-webgpu');
    for await (const [name, handle] of folder.entries()) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const writable = await (handle as FileSystemFileHandle).createWritable();
      await writable.write(new Uint8Array(10));
      await writable.close();
    }
  });
  hub.requests.length = 0;
  await page.reload();
  const second = await fromHub(page);
  expect(second.scores).toEqual(first.scores);
  expect(hub.requests[0].url).toBe(`/api/models/${MADE_UP.repo}/revision/${MADE_UP.commit}`);
});

test('on a GPU, which has no golden to give and whose kernels are checked as always', async ({ page }) => {
  const onCpu = await fromHub(page, { cache: false });
  const onGpu = await fromHub(page, { cache: false, backend: 'webgpu' });
  expect(onGpu.error).toBeUndefined();
  expect(onGpu.events).toEqual([]);
  // Both are within 1e-5 of the reference.
  for (const [i, score] of onGpu.scores!.entries()) expect(Math.abs(score - onCpu.scores![i])).toBeLessThan(1e-4);
});

test('nothing is kept where nothing is to be', async ({ page }) => {
  const { scores, kept, cached } = await fromHub(page, { cache: false });
  expect(scores).toHaveLength(3);
  expect([kept, cached]).toEqual([[], []]);
});

test('redirects to another host, behind a token that is not sent there', async ({ page }) => {
  Object.assign(hub.fixture, { token: 'hf_secret', cdn: true });
  expect((await fromHub(page)).error).toMatchObject({
    code: 'network',
    message: expect.stringContaining('needs a token, or does not exist. Set hub.token to one of yours.'),
  });
  hub.requests.length = 0;
  expect((await fromHub(page, { hub: { token: 'hf_secret' } })).scores).toHaveLength(3);
  const asked = downloads().map(({ authorization }) => authorization);
  expect(asked).toEqual(['Bearer hf_secret', undefined, 'Bearer hf_secret', undefined]);
});

test('a gated repository says so, one that is not there, and one that was renamed', async ({ page }) => {
  Object.assign(hub.fixture, { token: 'hf_secret', gated: true, errorCode: 'GatedRepo' });
  const gated = await fromHub(page, { hub: { token: 'hf_other' } });
  expect(gated.error?.message).toContain('is gated: accept its conditions on that page');
  hub.fixture = { ...MADE_UP, renamedFrom: 'somebody/old-name' };
  const absent = await load(page, 'hf:nobody/nothing', { hub: { endpoint } });
  expect(absent.error?.message).toBe(`There is no ${endpoint}/nobody/nothing with revision main.`);
  expect((await load(page, 'hf:somebody/old-name', { hub: { endpoint } })).name).toBe('vit-made-up');
});

test('a download that broke for good goes on at the next visit where it broke', async ({ page }) => {
  hub.fixture.breakAfter = [undefined, 1500, 0, 0, 0];
  const { error, kept } = await fromHub(page);
  expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('cannot be reached') });
  expect(kept).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.checkpoint$/)]);
  hub.requests.length = 0;
  await page.reload();
  expect((await fromHub(page)).scores).toHaveLength(3);
  expect(downloads().map(({ range }) => range)).toEqual(['bytes=0-6059', 'bytes=1500-6059']);
});

test('a tab that ends in the middle of a download has kept what came', async ({ page }) => {
  hub.fixture.breakAfter = [undefined, 1500, 0, 0, 0];
  fromHub(page).catch(() => {});
  // It is tried again: what came is written.
  await expect.poll(() => downloads().length, { intervals: [20] }).toBeGreaterThanOrEqual(3);
  await page.reload();
  hub.fixture = { ...MADE_UP };
  hub.requests.length = 0;
  expect((await fromHub(page)).scores).toHaveLength(3);
  expect(downloads().map(({ range }) => range)).toEqual(['bytes=0-6059', 'bytes=1500-6059']);
});

test('where there is no room on disk the download is held in memory, and that is said', async ({ page }) => {
  await page.evaluate(() => {
    const Original = Worker;
    globalThis.Worker = class extends Original {
      constructor(script: string | URL, options?: WorkerOptions) {
        const onFullDisk = `
          import '${script}';
          FileSystemSyncAccessHandle.prototype.write = () => {
            throw new DOMException('The disk is full', 'QuotaExceededError');
          };`;
        super(URL.createObjectURL(new Blob([onFullDisk], { type: 'text/javascript' })), options);
      }
    };
  });
  const { scores, events, kept } = await fromHub(page);
  expect(scores).toHaveLength(3);
  expect(events).toEqual([
    'There is no room on disk for model.safetensors (The disk is full); it is held in memory.',
    expect.stringContaining('The model is not kept for the next visit. There is no room left for it.'),
  ]);
  expect(kept).toEqual([]);
});

test('other bytes than the Hub lists never answer, and are not kept', async ({ page }) => {
  hub.fixture.wrongHash = ['model.safetensors'];
  const { error, kept, scores } = await fromHub(page);
  expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('arrived with the hash') });
  expect([kept, scores]).toEqual([[], undefined]);
});

test('what no file says reaches the page as questions, before the download', async ({ page }) => {
  const { 'config.json': _, ...files } = MADE_UP.files;
  hub.fixture = { ...hub.fixture, files } as HubFixture;
  const { error } = await fromHub(page);
  expect(error).toMatchObject({ code: 'unsupported-model' });
  expect(error!.questions!.map(({ name }) => name)).toEqual(expect.arrayContaining(['heads', 'preprocess.mean']));
  expect(downloads()).toHaveLength(1);
  expect((await fromHub(page, { convert: { config: TIMM_CONFIG } })).labels).toEqual(['cat', 'dog', 'bird']);
});

test('files that are dropped, with those beside them, and once more without converting', async ({ page }) => {
  const folder = 'test/fixtures/families/hf-vit';
  const choose = async () => {
    await page.setContent('<input type="file" multiple>');
    await page.setInputFiles('input', [join(folder, 'model.safetensors'), join(folder, 'config.json')]);
  };
  await choose();
  const preprocess = {
    resize: { mode: 'squash', height: 32, width: 32 },
    filter: 'bilinear',
    crop: null,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  } as const;
  const options = { convert: { preprocess: { ...preprocess, mean: [...preprocess.mean], std: [...preprocess.std] } } };
  const first = await load(page, null, options);
  expect(first.error).toBeUndefined();
  expect(first.name).toBe('model');
  expect(first.progress.at(-1)).toBe(1);
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const bytes = new Uint8Array(readFileSync(join(folder, 'model.safetensors')));
  expect(first.kept).toEqual(
    expect.arrayContaining(await hashesOf(bytes, { name: 'model', config, preprocess: options.convert.preprocess })),
  );
  await page.reload();
  await choose();
  expect((await load(page, null, options)).scores).toEqual(first.scores);
});

test('the converter cannot be had: one warning, and an error that says why', async ({ page }) => {
  server.refuse = (path) => path === '/lib/convert.js';
  const { error, events } = await fromHub(page);
  server.refuse = () => false;
  expect(error?.code).toBe('network');
  expect(events).toEqual([expect.stringContaining('There are no conversions of checkpoints')]);
});

const TINY = join(process.env.VIT_MODELS ?? '', 'vit-tiny-patch16-224');
const isThere = process.env.VIT_MODELS !== undefined && existsSync(join(TINY, 'model.safetensors'));

if (isThere)
  test('ViT-Tiny, to the bit', async ({ page }) => {
    const bytes = new Uint8Array(readFileSync(join(TINY, 'model.safetensors')));
    hub.fixture = { ...MADE_UP, files: { 'model.safetensors': bytes } };
    const convert: Conversion = {
      architecture: 'vit_tiny_patch16_224',
      preprocess: {
        resize: { mode: 'shortest-edge', size: 248, rounding: 'trunc' },
        crop: { height: 224, width: 224, rounding: 'half-even' },
        filter: 'bicubic',
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
      },
    };
    const start = Date.now();
    const outcome = await fromHub(page, { convert });
    console.log(`ViT-Tiny from a Hub on this machine, converted and answered: ${Date.now() - start} ms`);
    expect(outcome.error).toBeUndefined();
    expect(outcome.kept).toEqual(expect.arrayContaining(await hashesOf(bytes, { name: 'vit-made-up', ...convert })));
  });

/** Names under which the shards of a conversion are kept: their hashes. */
async function hashesOf(bytes: Uint8Array, options: ModelOptions): Promise<string[]> {
  const sink = new MemorySink();
  const { write } = await prepareModel(await openCheckpoint(bytesSource(bytes)), options);
  await write(sink);
  return [...sink.files.values()].map((shard) => createHash('sha256').update(shard).digest('hex'));
}
