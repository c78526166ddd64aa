/**
 * `vit-webgpu index`: from the files of `embed` to an index.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writePart } from '../../src/bulk/part-files.ts';
import type { EmbedRow, Part } from '../../src/bulk/schema.ts';
import { openIndex } from '../../src/search/index.ts';
import { runCommand } from '../harness/terminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
  mkdirSync(join(folder, 'vectors'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const row = (id: string, ...vector: number[]): EmbedRow => ({ id, vector: Float32Array.from(vector), error: null });

function embedded(part: number, parts: number, rows: EmbedRow[], model = 'a'.repeat(64)): Part {
  return {
    task: 'embed',
    info: { model, checkpoint: 'd'.repeat(64), name: 'tiny', dimension: 2, list: 'b'.repeat(64), part, parts },
    rows,
  };
}

const run = (...flags: string[]) =>
  runCommand('index', join(folder, 'vectors'), '--out', join(folder, 'index'), ...flags);
const write = (part: Part) => writePart(join(folder, 'vectors'), part);

test('has the rows of all parts in their order, without those that failed', async () => {
  const failed = { id: 'broken.jpg', vector: null, error: 'The image is empty.' };
  await write(embedded(1, 2, [row('c.jpg', 3, 0), failed]));
  await write(embedded(0, 2, [row('a.jpg', 1, 0), row('b.jpg', 0, 2)]));
  const { exitCode, printed, warned } = await run();
  expect([exitCode, warned]).toEqual([0, '1 picture without an embedding left out: the files say why.']);
  expect(printed).toMatch(/^3 vectors of 2 in f16, .*index$/);
  const index = await openIndex(pathToFileURL(join(folder, 'index')));
  expect(index).toMatchObject({ rows: 3, model: { name: 'tiny', sha256: 'd'.repeat(64), manifest: 'a'.repeat(64) } });
  expect(await index.search([5, 0])).toEqual([
    { id: 'a.jpg', score: 1 },
    { id: 'c.jpg', score: 1 },
    { id: 'b.jpg', score: 0 },
  ]);
  index.dispose();
});

test('keeps what is there, unless asked to replace it', async () => {
  await write(embedded(0, 1, [row('a.jpg', 1, 0)]));
  await run();
  const again = await run();
  expect([again.exitCode, again.warned]).toEqual([1, expect.stringContaining('--force')]);
  await write(embedded(0, 1, [row('b.jpg', 1, 0)]));
  expect(await run('--force', '--dtype', 'f32')).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(readFileSync(join(folder, 'index', 'index.json'), 'utf8'))).toMatchObject({
    dtype: 'f32',
    rows: 1,
  });
  expect(readdirSync(join(folder, 'index')).sort()).toEqual(['ids-00001.json', 'index.json', 'vectors-00001.bin']);
});

test('of what is not complete is made all the same, and says so', async () => {
  await write(embedded(0, 3, [row('a.jpg', 1, 0)]));
  const { exitCode, warned } = await run();
  expect([exitCode, warned]).toEqual([0, expect.stringContaining('is not complete: 1 of 3 parts are there')]);
});

test('is not made of two models, of labels, of nothing or of vectors that are none; nothing is left then', async () => {
  expect(await run()).toMatchObject({ exitCode: 1, warned: expect.stringContaining('holds no part-00000.parquet') });
  await write(embedded(0, 2, [row('a.jpg', 1, 0)]));
  await write(embedded(1, 2, [row('b.jpg', 1, 0)], 'c'.repeat(64)));
  expect(await run()).toMatchObject({ exitCode: 1, warned: expect.stringMatching(/part-00001.* is of another model/) });
  await write(embedded(1, 2, [row('b.jpg', 1, Number.NaN)]));
  expect(await run()).toMatchObject({ exitCode: 1, warned: expect.stringContaining('b.jpg holds NaN') });
  const info = { ...embedded(0, 1, []).info, dimension: null };
  await write({
    task: 'classify',
    info,
    rows: [{ id: 'a', labels: [], scores: new Float32Array(0), sure: null, error: null }],
  });
  expect(await run()).toMatchObject({ exitCode: 1, warned: expect.stringContaining('holds no embeddings') });
  expect(readdirSync(folder)).toEqual(['vectors']);
});
