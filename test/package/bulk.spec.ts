/**
 * `vit-webgpu embed` and `classify --out`, as they are built: processes of their own, one of them killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@playwright/test';
import { partPaths, readPart } from '../../src/bulk/part-files.ts';
import type { ClassifyRow, EmbedRow } from '../../src/bulk/schema.ts';
import { writePictures } from '../harness/pictures.ts';
import { withSwiftShader } from '../harness/swiftshader.ts';

const COMMAND = resolve('dist/cli/vit-webgpu.js');
const work = mkdtempSync(join(tmpdir(), 'vit-webgpu-bulk-'));
const pictures = join(work, 'pictures');
const PICTURES = 60;
test.beforeAll(async () => {
  await writePictures(pictures, PICTURES);
  writeFileSync(join(pictures, '0', 'bad.jpg'), 'no picture');
});
test.afterAll(() => rmSync(work, { recursive: true }));

const start = (args: string[], env = process.env) => spawn(process.execPath, [COMMAND, ...args], { env });

async function end(child: ChildProcess) {
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (text) => (stdout += text));
  child.stderr!.on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

const run = (...args: string[]) => end(start(args));

const embedInto = (folder: string, size: number) => [
  ...['embed', '--images', pictures, '--out', folder, '--part-size', String(size), '--threads', '2'],
];

async function rowsOf<Row = EmbedRow>(folder: string): Promise<Row[]> {
  const parts = await Promise.all((await partPaths(folder)).map(readPart));
  return parts.flatMap(({ rows }) => rows as Row[]);
}

test('embed: killed in the middle and started again, it gives each picture once, as one run does', async () => {
  const whole = join(work, 'whole');
  const { code, stdout, stderr } = await run(...embedInto(whole, 5));
  expect([code, stderr]).toEqual([0, '1 picture could not be read: the column error says why.\n']);
  expect(stdout).toMatch(/whole: 61 pictures in .*, [\d.]+\/s\n$/);

  const folder = join(work, 'killed');
  const killed = start(embedInto(folder, 5));
  const ended = end(killed);
  while ((await partPaths(folder).catch(() => [])).length < 2) await new Promise((done) => setTimeout(done, 5));
  killed.kill('SIGKILL');
  await ended;
  const there = (await partPaths(folder)).length;
  expect(there).toBeLessThan(13);

  const again = await run('embed', '--images', pictures, '--out', folder);
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout).toContain(`${there * 5} of 61 pictures are there already.`);
  const names = readdirSync(whole).filter((name) => name.endsWith('.parquet'));
  expect(names).toHaveLength(13);
  for (const name of names) expect(readFileSync(join(folder, name)).equals(readFileSync(join(whole, name)))).toBe(true);
  const rows = await rowsOf(whole);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(PICTURES + 1);
  expect(rows.filter(({ vector }) => vector === null)).toEqual([
    { id: '0/bad.jpg', vector: null, error: expect.stringContaining('cannot be decoded') },
  ]);

  const done = await run('embed', '--images', pictures, '--out', folder);
  expect(done).toEqual({ code: 0, stdout: '61 of 61 pictures are there already.\n', stderr: '' });
  const other = await run('classify', '--images', pictures, '--out', folder);
  expect(other.code).toBe(1);
  expect(other.stderr).toContain('was made by embed, not by classify. Give another folder.');
});

test('its vectors are those of the library, on WebGPU too', async () => {
  const { loadViT } = await import(resolve('dist/node/index.js'));
  const some = [0, 1, 2].map((i) => join(pictures, '0', `p0000${i}.png`));
  const vit = await loadViT('weights/vit-cifar10');
  const expected: Float32Array[] = await vit.embed(some);
  vit.dispose();
  const cpu = await rowsOf(join(work, 'whole'));
  for (const [i, vector] of expected.entries())
    expect(cpu.find(({ id }) => id === `0/p0000${i}.png`)!.vector).toEqual(new Float32Array(vector));

  const folder = join(work, 'webgpu');
  const { code, stderr } = await withSwiftShader((env) =>
    end(start(['embed', ...some, '--out', folder, '--backend', 'webgpu'], env)),
  );
  expect(code, stderr).toBe(0);
  const onGpu = await rowsOf(folder);
  expect(onGpu.map(({ id }) => id)).toEqual(some);
  // f16 weights, and sums in another order: the bound of whole models, on values of some units.
  for (const [i, { vector }] of onGpu.entries())
    for (const [j, value] of vector!.entries()) expect(Math.abs(value - expected[i][j])).toBeLessThan(1e-3);
});

test('classify --out gives the labels that classify prints', async () => {
  const list = join(work, 'list.txt');
  writeFileSync(list, `${resolve('public/samples/dog.jpg')}\n${resolve('public/samples/owl.jpg')}\n/none.png\n`);
  const folder = join(work, 'labels');
  const { code, stderr } = await run('classify', '--images', list, '--top-k', '2', '--out', folder);
  expect([code, stderr]).toEqual([0, '1 picture could not be read: the column error says why.\n']);
  const printed = await run('classify', '--json', '--backend', 'cpu', '--top-k', '2', 'public/samples/dog.jpg');
  const [{ labels: best, sure }] = JSON.parse(printed.stdout).images;
  const rows = await rowsOf<ClassifyRow>(folder);
  expect(rows[0]).toMatchObject({ labels: best.map(({ label }: { label: string }) => label), sure, error: null });
  expect([...rows[0].scores!]).toEqual(best.map(({ score }: { score: number }) => score));
  expect(rows[1]).toMatchObject({ labels: ['bird', expect.any(String)], sure: true });
  expect(rows[2]).toEqual({ id: '/none.png', labels: null, scores: null, sure: null, error: 'There is no such file.' });
});

test('classify says what it lacks', async () => {
  const wrong = [
    [[], "missing required argument 'image'", 2],
    [['--images', pictures], '--images needs --out', 2],
    [['--part-size', '2', 'a.png'], '--part-size needs --out', 2],
    [['--out', join(work, 'x')], 'Which pictures?', 1],
  ] as const;
  for (const [args, message, exitCode] of wrong) {
    const { code, stderr } = await run('classify', ...args);
    expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)]);
  }
});
