/**
 * Search as somebody gets it: an index made and asked by the command, and the same one in a page without a bundler.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { writePart } from '../../src/bulk/part-files.ts';
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';
import { installPackage } from './install.ts';

const PHOTOS = ['cup', 'dog', 'fire-engine', 'jet', 'kitten', 'owl'].map((name) => `${name}.jpg`);
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' };
/** The strictest policy, under which no WebAssembly runs, and one under which it does. */
const POLICIES: Record<string, string> = {
  '/strict.html': "script-src 'self'",
  '/wasm.html': "script-src 'self' 'wasm-unsafe-eval'",
};

const APP = `
import { loadViT } from './node_modules/vit-webgpu/dist/lib/index.js';
import { openIndex } from './node_modules/vit-webgpu/dist/search/search.js';

globalThis.result = (async () => {
  const vit = await loadViT('./node_modules/vit-webgpu/weights/vit-cifar10/model.json', { backend: location.pathname === '/strict.html' ? 'webgpu' : 'cpu' });
  const progress = [];
  const index = await openIndex('index', { model: vit.info, onProgress: (event) => progress.push(event) });
  const { rows, dimension, model } = index;
  const found = {};
  for (const photo of ${JSON.stringify(PHOTOS)}) found[photo] = await index.search(await vit.embed(photo), { k: 2 });
  const other = { name: 'clip', source: { sha256: 'f'.repeat(64) } };
  const failure = ({ name, code, message }) => ({ name, code, message });
  const refused = [
    await openIndex('index', { model: { ...other, manifest: 'e'.repeat(64) } }).catch(failure),
    await openIndex('nowhere').catch(failure),
    await index.search([1, 2]).catch(failure),
    await openIndex('index', { assets: 'nowhere' }).catch(failure),
    await openIndex('index', { assets: 'nowhere', worker: false }).catch(failure),
    await openIndex('index', { worker: () => ({}) }).catch(failure),
    await openIndex('index', { worker: true }).catch(failure),
  ];
  const query = await vit.embed('dog.jpg');
  const address = './node_modules/vit-webgpu/dist/search/search-worker.js';
  const made = await openIndex('index', { worker: () => new Worker(address, { type: 'module' }) });
  const byFactory = await made.search(query, { k: 2 });
  made.dispose();
  const here = await openIndex('index', { worker: false });
  const inThisThread = await here.search(query, { k: 2 });
  here.dispose();
  vit.dispose();
  const untouched = query.length;
  globalThis.end = () => index.dispose();
  return { rows, dimension, model, found, refused, byFactory, inThisThread, untouched, last: progress.at(-1) };
})();
`;

let folder: string;
let server: Server;
const run = (path: string, args: string[]) =>
  promisify(execFile)(path, args, { cwd: folder }).catch(({ stdout, stderr }) => ({ stdout, stderr }));
/** As it is installed, without any package beside it. */
const command = (...args: string[]) => run(join('node_modules', '.bin', 'vit-webgpu'), args);
/** Where sharp is. */
const withSharp = (...args: string[]) => run(process.execPath, [resolve('dist/cli/vit-webgpu.js'), ...args]);

test.beforeAll(async () => {
  folder = installPackage();
  for (const photo of PHOTOS) cpSync(`public/samples/${photo}`, join(folder, photo));
  await withSharp('embed', ...PHOTOS, '--out', 'vectors', '--part-size', '4');
  expect((await command('index', 'vectors', '--out', 'index')).stdout).toContain('6 vectors of 192 in f16');
  for (const page of Object.keys(POLICIES)) {
    writeFileSync(
      join(folder, page),
      '<!doctype html><title>search</title><link rel="icon" href="data:,"><script type="module" src="app.js"></script>',
    );
  }
  writeFileSync(join(folder, 'app.js'), APP);
  server = createServer(({ url, headers }, response) => {
    const path = normalize(new URL(url!, 'http://localhost').pathname);
    const page = new URL(headers.referer ?? url!, 'http://localhost').pathname;
    try {
      const body = readFileSync(join(folder, path));
      const policy = `default-src 'none'; ${POLICIES[path] ?? POLICIES[page] ?? "script-src 'self'"}`;
      response.writeHead(200, {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'content-security-policy': `${policy}; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:`,
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});

test.afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

for (const page of Object.keys(POLICIES)) {
  test(`a picture finds itself first, on ${page}, in a worker that goes with its index`, async ({ page: tab }) => {
    const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
    const errors: string[] = [];
    const foreign: string[] = [];
    tab.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('blob:')) foreign.push(request.url());
    });
    tab.on('pageerror', ({ message }) => errors.push(message));
    await tab.goto(origin + page);
    await tab.waitForFunction(() => 'result' in globalThis);
    const result = await tab.evaluate(() => (globalThis as unknown as { result: Promise<Result> }).result);
    expect(result).toMatchObject({ rows: 6, dimension: 192, model: { name: 'vit-cifar10' }, untouched: 192 });
    expect(result.last).toEqual({ loaded: 6 * 192 * 2, total: 6 * 192 * 2 });
    for (const photo of PHOTOS) {
      const [first, second] = result.found[photo];
      expect(first.id).toBe(photo);
      // Of another backend or thread, in f16.
      expect(first.score).toBeGreaterThan(0.999);
      expect(second.score).toBeLessThan(first.score);
    }
    expect(result.inThisThread).toEqual(result.found['dog.jpg']);
    expect(result.refused).toEqual([
      {
        name: 'ViTError',
        code: 'bad-input',
        message: expect.stringContaining('of the model vit-cifar10, and this is clip'),
      },
      { name: 'ViTError', code: 'network', message: expect.stringContaining('nowhere/index.json') },
      { name: 'ViTError', code: 'bad-input', message: expect.stringContaining("2 numbers; the index's have 192") },
      ...['could not be loaded', 'cannot be used'].map((why) => ({
        name: 'ViTError',
        code: 'network',
        message: expect.stringMatching(`nowhere/search-worker\\.js.*${why}.*Serve all of vit-webgpu/dist/search`),
      })),
      ...['something else than a Worker', 'worker must be false or a function'].map((message) => ({
        name: 'ViTError',
        code: 'bad-input',
        message: expect.stringContaining(message),
      })),
    ]);
    expect(result.byFactory).toEqual(result.found['dog.jpg']);
    // That of the model, and those of indexes that were refused, are gone.
    await expect.poll(() => tab.workers()).toHaveLength(1);
    await tab.evaluate(() => (globalThis as unknown as { end(): void }).end());
    await expect.poll(() => tab.workers()).toHaveLength(0);
    expect(foreign).toEqual([]);
    expect(errors).toEqual([]);
  });
}

interface Result {
  found: Record<string, { id: string; score: number }[]>;
  byFactory: object;
  inThisThread: object;
  refused: object[];
  last: object;
}

test('the command finds a picture by itself, and says what it cannot search with', async () => {
  const index = ['--index', 'index'];
  const { stdout } = await withSharp('search', 'owl.jpg', ...index, '--top-k', '2');
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^ {1}1\.0000 {2}owl\.jpg$/);
  expect(lines[2]).toMatch(/^6 vectors searched in [\d.]+ ms$/);
  const json = JSON.parse((await withSharp('search', 'owl.jpg', ...index, '--json')).stdout);
  expect(json).toMatchObject({ query: 'owl.jpg', model: 'vit-cifar10', rows: 6 });
  expect(json.matches.map(({ id }: { id: string }) => id).sort()).toEqual(PHOTOS);
  for (const [args, message] of [
    [['an owl', ...index], 'There is no file an owl, and vit-cifar10 knows no words'],
    [['absent.jpg', ...index], 'There is no file absent.jpg. If these are words, give --words.'],
    [['owl.jpg', '--index', 'vectors'], 'holds embeddings, and no index yet: vit-webgpu index'],
    [['owl.jpg', '--index', 'absent'], 'absent'],
  ] as const) {
    const { stderr } = await withSharp('search', ...args);
    expect(stderr).toContain(`error: `);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  }
});

test('words find what a model of two towers puts beside them; an index of another model is refused', async () => {
  const model = join(folder, 'clip');
  const files = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
  mkdirSync(model);
  writeFileSync(join(model, 'model.json'), JSON.stringify(files.manifest));
  writeFileSync(join(model, 'tokenizer.json'), files.tokenizer!);
  for (const [i, { file }] of files.manifest.shards.entries()) writeFileSync(join(model, file), files.shards[i]);
  const { loadViT } = await import(pathToFileURL(resolve('dist/node/index.js')).href);
  const vit = await loadViT(model);
  const words = ['a cat', 'a dog', 'owl'];
  const vectors: Float32Array[] = await vit.embedText(words);
  vit.dispose();
  const digest = await crypto.subtle.digest('SHA-256', readFileSync(join(model, 'model.json')));
  const about = { model: Buffer.from(digest).toString('hex'), name: 'tiny', list: 'a'.repeat(64), part: 0, parts: 1 };
  mkdirSync(join(folder, 'texts'));
  const rows = vectors.map((vector, i) => ({ id: words[i], vector, error: null }));
  await writePart(join(folder, 'texts'), { task: 'embed', info: { ...about, dimension: vectors[0].length }, rows });
  await command('index', 'texts', '--out', 'words', '--dtype', 'f32');
  for (const text of words) {
    const { stdout } = await command('search', text, '--index', 'words', '--model', 'clip', '--json');
    const [best] = JSON.parse(stdout).matches;
    expect(best.id).toBe(text);
    expect(best.score).toBeCloseTo(1, 5);
  }
  const { stderr } = await command('search', 'a dog', '--index', 'index', '--model', 'clip');
  expect(stderr).toContain('error: The index is of the model vit-cifar10, and this is tiny');
});
