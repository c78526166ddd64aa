/**
 * A kernel is four files with one stem: shader, wrapper, oracle, test. None may be missing. A shader `stem.variant.wgsl`
 * is the same kernel for GPUs that can do more: the wrapper, oracle and test of `stem` are its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Stems of the files in a folder with this ending. */
function stems(folder: string, ending: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

const files = stems('shaders', '.wgsl');
const shaders = files.filter((file) => !file.includes('.'));
const variants = files.filter((file) => file.includes('.'));
const read = (path: string) => readFileSync(path, 'utf8');

test('there are kernels', () => expect(shaders.length).toBeGreaterThan(6));
test('every shader has its wrapper, and every wrapper its shader', () =>
  expect(stems('src/kernels', '.ts').filter((file) => !/^tier|\./.test(file))).toEqual(shaders));
test('every shader has its test, and every test its shader', () =>
  expect(stems('test/kernels', '.spec.ts')).toEqual(shaders));
test('every shader has its oracle', () =>
  expect(stems('src/reference', '.ts')).toEqual(expect.arrayContaining(shaders)));

for (const variant of variants) {
  const [stem, ...rest] = variant.split('.');
  test(`${variant} is a variant of a kernel, and its wrapper chooses it`, () => {
    expect(rest).toHaveLength(1);
    expect(shaders).toContain(stem);
    const wrappers = stems('src/kernels', '.ts').filter((file) => [stem, variant].includes(file));
    const choosing = wrappers.filter((file) => read(`src/kernels/${file}.ts`).includes(`specialise('${variant}.wgsl'`));
    expect(choosing).toHaveLength(1);
  });
  test(`${variant} needs what not every GPU has`, () => expect(read(`shaders/${variant}.wgsl`)).toMatch(/^enable /m));
}
test('a test of tiers alone names its shader', () => {
  const tests = stems('test/tiers', '.spec.ts').filter((file) => file.includes('.'));
  expect(variants).toEqual(expect.arrayContaining(tests));
});
