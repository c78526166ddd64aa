/**
 * The script a page downloads, compressed: the core (library, worker and shaders together), and each annex, which only those
 * download who need it. The classification page has a script of its own besides.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';

const CORE = 56_000;
/** With both of its modules, of which a browser takes one. */
const CPU = 20_000;
/** The page's own script, with all that its first view needs. */
const PAGE = 30_000;
/** Of React or the custom element, with what both share. */
const APP = 3_000;
/** An index in a page: what it asks, and the worker that answers. */
const SEARCH = { search: 5_500, 'search-worker': 12_000 };
/** Parts of the page that come when they are asked for. */
const ON_DEMAND = {
  ...{ address: 2_000, 'ask-words': 2_000, asked: 2_000, camera: 2_000, code: 2_000, dialog: 2_000 },
  ...{ converted: 2_000, live: 2_000, 'video-file': 2_000 },
  ...{ compare: 2_000, models: 2_000, questions: 2_000, settings: 3_000, share: 2_000, shared: 2_000, similar: 2_000 },
  ...{ 'thumbnail-worker': 2_000 },
  ...{ things: 4_500, zh: 6_000, 'service-worker': 2_000 },
};
/** `host` is the engine again, for a page that wants no worker: it takes the place of that. */
const ANNEXES: Record<string, number> = {
  attend: 1_600,
  convert: 60_000,
  cpu: CPU,
  'few-bits': 3_000,
  'family-kernels': 4_000,
  'image-size': 4_000,
  kernels: 8_000,
  reference: 10_000,
  sha256: 4_000,
  texts: 4_800,
  tokenizer: 14_000,
  tune: 4_000,
  words: 6_500,
  host: CORE,
};

/** Bytes of every script of a folder, by the stem of its name: a bundler adds a hash. */
function scriptsOf(folder: string): Record<string, number> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const sizes = files.map((file) => [
    file.match(/([\w-]+?)(-[\w-]{8})*\.js$/)![1],
    gzipSync(readFileSync(join(folder, file))).length,
  ]);
  console.log(`${folder}, bytes gzip: ${sizes.map((size) => size.join(' ')).join(', ')}`);
  expect(new Set(sizes.map(([name]) => name)).size, 'each is there once').toBe(sizes.length);
  return Object.fromEntries(sizes);
}

test('dist/lib is within its bounds', () => {
  const { index, worker, ...annexes } = scriptsOf('dist/lib');
  expect(Math.min(index, worker)).toBeGreaterThan(2_000);
  expect(index + worker).toBeLessThanOrEqual(CORE);
  expectWithin(annexes, ANNEXES);
});

test('dist/page is within its bounds: the library as it is shipped, and a script of its own', () => {
  const sizes = scriptsOf('dist/page');
  const { index, base, model, 'photo-queue': queue, 'fetch-photo': fetchPhoto, library, worker, ...others } = sizes;
  expect(library + worker).toBeLessThanOrEqual(CORE);
  expect(index).toBeGreaterThan(2_000);
  // What the first view needs, however the bundler cuts it.
  expect(index + base + model + queue + fetchPhoto).toBeLessThanOrEqual(PAGE);
  expectWithin(others, { ...ANNEXES, ...ON_DEMAND });
});

function expectWithin(sizes: Record<string, number>, bounds: Record<string, number>): void {
  expect(Object.keys(sizes).sort()).toEqual(Object.keys(bounds).sort());
  for (const [name, size] of Object.entries(sizes)) expect(size, name).toBeLessThanOrEqual(bounds[name]);
}

test('the script for the CPU and its modules are within their bound', () => {
  const files = readdirSync('dist/lib').filter((file) => /^cpu.*\.(js|wasm)$/.test(file));
  expect(files).toEqual(['cpu-plain.wasm', 'cpu-relaxed.wasm', 'cpu.js']);
  const bytes = files.map((file) => gzipSync(readFileSync(join('dist/lib', file))).length);
  expect(bytes.reduce((a, b) => a + b)).toBeLessThanOrEqual(CPU);
});

test('the files for apps are small beside the core', () => {
  const { 'shared-model': shared, ...entries } = scriptsOf('dist/apps');
  expect(Object.keys(entries).sort()).toEqual(['element', 'react']);
  for (const [name, size] of Object.entries(entries)) expect(size + shared, name).toBeLessThanOrEqual(APP);
});

test('what searches an index is within its bounds', () => {
  expectWithin(scriptsOf('dist/search'), SEARCH);
});

test('no annex is so small that a bundler puts it into the code', () => {
  for (const name of Object.keys(ANNEXES)) expect(readFileSync(`dist/lib/${name}.js`).length).toBeGreaterThan(4096);
});
