/**
 * Times of searches in Chrome, through the library as it is published: from a vector in the page to ids and scores in the page.
 * Indexes of random vectors; which ones does not matter to the time.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { buildIndex } from '../src/search/build.ts';
import { DTYPES, type VectorDtype } from '../src/search/index-manifest.ts';
import { BENCH_CHROME_ARGS } from '../test/harness/chrome-args.ts';
import { random } from '../test/harness/random.ts';
import { describeMachine } from './machine.ts';
import { serveFolders } from './static-server.ts';
import { type Spread, spread } from './stats.ts';

const ROUNDS = 31;
const WARM_UP = 3;
const MODEL = { name: 'random', sha256: null, manifest: null };

interface Case {
  rows: number;
  dtype: VectorDtype;
  /** In plain TypeScript, as where no WebAssembly may run. */
  isPlain: boolean;
}

interface Measured {
  /** From the address to the first answer: everything fetched from the same machine and checked. Milliseconds. */
  first: number;
  /** Milliseconds of one search. */
  times: number[];
}

/** @param sizes the dimension, and numbers of rows; all are optional */
export async function run([dimension = 512, ...sizes]: number[], folder: string, loadBefore: number): Promise<void> {
  const all = sizes.length > 0 ? sizes : [1_000, 10_000, 100_000];
  for (const rows of all) for (const dtype of DTYPES) await writeIndex(folder, rows, dimension, dtype);
  const server = await serveFolders({ '/lib': `${folder}/search-library`, '/indexes': `${folder}/indexes` }, false);
  const browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: BENCH_CHROME_ARGS });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/`);
    const bandwidth = await page.evaluate(measureBandwidth);
    const cases: Case[] = all.flatMap((rows) => [
      ...DTYPES.map((dtype) => ({ rows, dtype, isPlain: false })),
      { rows, dtype: 'f32' as const, isPlain: true },
    ]);
    const measured = await measureAll(page, cases, dimension);
    const { processor, cores } = describeMachine();
    console.log(
      `${processor}, ${cores} cores, Chrome ${browser.version()}; load average before the run ${loadBefore.toFixed(1)}`,
    );
    console.log(
      `One thread copies ${(bandwidth / 1e9).toFixed(1)} GB/s, read and written. ${ROUNDS} interleaved rounds.\n`,
    );
    printTable(cases, measured, dimension, bandwidth);
  } finally {
    await browser.close();
    await server.close();
  }
}

async function writeIndex(folder: string, rows: number, dimension: number, dtype: VectorDtype): Promise<void> {
  const place = join(folder, 'indexes', `${rows}-${dtype}`);
  await mkdir(place, { recursive: true });
  function* embeddings() {
    for (let row = 0; row < rows; row++) yield { id: `photos/${row}.jpg`, vector: random(dimension, row + 1) };
  }
  await buildIndex(embeddings(), { model: MODEL, dimension, dtype }, (file, bytes) =>
    writeFile(join(place, file), bytes),
  );
}

/** Every index once in each round, so that what else the machine does meets them all. */
async function measureAll(page: Page, cases: Case[], dimension: number): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const [number, each] of cases.entries()) {
    measured.push({ first: await page.evaluate(openInPage, { ...each, number, dimension }), times: [] });
  }
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (let i = 0; i < cases.length; i++) {
      const number = (i + round + WARM_UP) % cases.length;
      const time = await page.evaluate(searchInPage, { number, dimension });
      if (round >= 0) measured[number].times.push(time);
    }
  }
  return measured;
}

interface Opened {
  indexes: import('../src/search/index.ts').SearchIndex[];
}

/** Runs in the page, so it may use nothing of this file. */
async function openInPage({ rows, dtype, isPlain, number, dimension }: Case & { number: number; dimension: number }) {
  const library = '/lib/search.js';
  const { openIndex }: typeof import('../src/search/index.ts') = await import(/* @vite-ignore */ library);
  const { compile } = WebAssembly;
  if (isPlain) WebAssembly.compile = () => Promise.reject(new Error('not here'));
  const start = performance.now();
  const index = await openIndex(`/indexes/${rows}-${dtype}`, isPlain ? { worker: false } : {});
  await index.search(new Float32Array(dimension).fill(1));
  const first = performance.now() - start;
  WebAssembly.compile = compile;
  const opened = globalThis as unknown as Opened;
  opened.indexes ??= [];
  opened.indexes[number] = index;
  return first;
}

/** Runs in the page, so it may use nothing of this file. */
async function searchInPage({ number, dimension }: { number: number; dimension: number }) {
  const index = (globalThis as unknown as Opened).indexes[number];
  const query = Float32Array.from({ length: dimension }, () => Math.random() - 0.5);
  const start = performance.now();
  await index.search(query, { k: 10 });
  return performance.now() - start;
}

/** Bytes per second of one thread, read and written. Runs in the page, so it may use nothing of this file. */
function measureBandwidth(): number {
  const [from, to] = [new Float32Array(2 ** 25).fill(1), new Float32Array(2 ** 25).fill(1)];
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 15; round++) {
    const start = performance.now();
    to.set(from);
    least = Math.min(least, performance.now() - start);
  }
  return (2 * from.byteLength) / (least / 1000);
}

function printTable(cases: Case[], measured: Measured[], dimension: number, bandwidth: number): void {
  console.log(`| vectors of ${dimension} | stored in | MB | first answer, ms | a search, ms | floor, ms | of floor |`);
  console.log('|---|---|---|---|---|---|---|');
  for (const [i, { rows, dtype, isPlain }] of cases.entries()) {
    const bytes = rows * dimension * (dtype === 'f16' ? 2 : 4);
    const floor = (bytes / bandwidth) * 1000;
    const time = spread(measured[i].times);
    const cells = [
      rows.toLocaleString('en'),
      isPlain ? `${dtype}, plain TypeScript` : dtype,
      (bytes / 1e6).toFixed(1),
      measured[i].first.toFixed(0),
      withQuartiles(time),
      floor.toFixed(2),
      `${((100 * floor) / time.median).toFixed(0)} %`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function withQuartiles({ median, low, high }: Spread): string {
  return `${median.toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})`;
}
