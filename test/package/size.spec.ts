/**
 * The script a page downloads, compressed: the core (library, worker and shaders together), and each annex, which only those
 * download who need it. The classification page has a script of its own besides.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';

const CORE = 59_000;
const PAGE = CORE + 4_000;
/** With both of its modules, of which a browser takes one. */
const CPU = 20_000;
/** `host` is the engine again, for a page that wants no worker: it takes the place of that. */
const ANNEXES: Record<string, number> = {
  attend: 6_000,
  cpu: CPU,
  'image-size': 4_000,
  kernels: 10_500,
  reference: 9_000,
  sha256: 4_000,
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
  return Object.fromEntries(sizes);
}

for (const [folder, bound] of Object.entries({ 'dist/lib': CORE, 'dist/page': PAGE })) {
  test(`${folder} is within its bounds`, () => {
    const { index, worker, ...annexes } = scriptsOf(folder);
    expect(Math.min(index, worker)).toBeGreaterThan(2_000);
    expect(index + worker).toBeLessThanOrEqual(bound);
    expect(Object.keys(annexes).sort()).toEqual(Object.keys(ANNEXES).sort());
    for (const [name, size] of Object.entries(annexes)) expect(size, name).toBeLessThanOrEqual(ANNEXES[name]);
  });
}

test('the script for the CPU and its modules are within their bound', () => {
  const files = readdirSync('dist/lib').filter((file) => /^cpu.*\.(js|wasm)$/.test(file));
  expect(files).toEqual(['cpu-plain.wasm', 'cpu-relaxed.wasm', 'cpu.js']);
  const bytes = files.map((file) => gzipSync(readFileSync(join('dist/lib', file))).length);
  expect(bytes.reduce((a, b) => a + b)).toBeLessThanOrEqual(CPU);
});

test('no annex is so small that a bundler puts it into the code', () => {
  for (const name of Object.keys(ANNEXES)) expect(readFileSync(`dist/lib/${name}.js`).length).toBeGreaterThan(4096);
});
