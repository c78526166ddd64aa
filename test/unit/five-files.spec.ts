/**
 * A kernel is five files with one stem: shader, wrapper, kernel for the CPU, oracle, test. None may be missing, unless it is said
 * here why. A shader `stem.variant.wgsl` is the same kernel for GPUs that can do more: the wrapper, oracle and test of `stem` are
 * its own.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import { FEW_BIT_SHADERS } from '../../src/kernels/few-bits.ts';

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

/** What is beside the wrappers. */
const NO_WRAPPERS = ['all-shaders', 'few-bits', 'optional-shaders', 'product-tiling'];
test('there are kernels', () => expect(shaders.length).toBeGreaterThan(6));
test('every shader has its wrapper, and every wrapper its shader', () =>
  expect(stems('src/kernels', '.ts').filter((file) => !NO_WRAPPERS.includes(file))).toEqual(shaders));
test('every shader has its test, and every test its shader', () =>
  expect(stems('test/kernels', '.spec.ts')).toEqual(shaders));

/** What the CPU does with other kernels. */
const WITHOUT_WASM = {
  head: 'matmul',
  patchify: 'unfold and matmul',
  normalize: 'src/image/normalize-bytes.ts',
};
/** Parts of kernels. */
const WASM_PARTS = ['few-bits', 'activation', 'half', 'index', 'products', 'vectors'];
test('every shader has its kernel for the CPU, and every such kernel its shader', () => {
  const kernels = stems('wasm', '.ts').filter((file) => !WASM_PARTS.includes(file));
  expect([...kernels, ...Object.keys(WITHOUT_WASM)].sort()).toEqual(shaders);
});
test('every kernel for the CPU is compared with its oracle', () => {
  const compared = shaders.filter((stem) => read(`test/kernels/${stem}.spec.ts`).includes("from '../harness/cpu.ts'"));
  const inTypeScript = Object.entries(WITHOUT_WASM).filter(([, what]) => what.endsWith('.ts'));
  const others = inTypeScript.map(([stem]) => stem);
  expect(compared).toEqual(shaders.filter((stem) => !others.includes(stem)));
});
test('every shader has its oracle', () =>
  expect(stems('src/reference', '.ts')).toEqual(expect.arrayContaining(shaders)));

/** Of a wrapper's text: which shaders it imports, and with what the first of them is compiled. */
const shadersImportedBy = (path: string) =>
  [...read(path).matchAll(/from '\.\.\/\.\.\/shaders\/(\S+)\.wgsl\?raw'/g)].map(([, file]) => file);

for (const stem of shaders) {
  test(`the wrapper ${stem} imports its own shader and no other`, () =>
    expect(shadersImportedBy(`src/kernels/${stem}.ts`)).toEqual([stem]));
  test(`the test of ${stem} imports its wrapper and its oracle`, () => {
    const spec = read(`test/kernels/${stem}.spec.ts`) + harnessOf(stem);
    expect(spec).toContain(`/src/kernels/${stem}.ts'`);
    expect(spec).toContain(`/src/reference/${stem}.ts'`);
  });
}

/** What a test leaves to the harness. */
function harnessOf(stem: string): string {
  return existsSync(`test/harness/${stem}.ts`) ? read(`test/harness/${stem}.ts`) : '';
}

test('all optional shaders are those with a variant, each under its own name', () => {
  const all = { ...ALL_SHADERS, ...FEW_BIT_SHADERS };
  expect(Object.keys(all).sort()).toEqual(variants.map((file) => `${file}.wgsl`));
  for (const [file, code] of Object.entries(all)) expect(code, file).toBe(read(`shaders/${file}`));
});

for (const variant of variants) {
  const [stem, ...rest] = variant.split('.');
  test(`${variant} is a variant of a kernel, and continues it or is complete`, () => {
    expect(rest).toHaveLength(1);
    expect(shaders).toContain(stem);
    const code = read(`shaders/${variant}.wgsl`);
    expect(code.startsWith(`// Continues ${stem}.wgsl`) || /^@group\(0\) @binding\(0\)/m.test(code)).toBe(true);
    expect(read(`src/kernels/${stem}.ts`)).toContain(`'${variant}.wgsl'`);
  });
}
test('a test of an optional feature names its shader', () => {
  const tests = stems('test/tiers', '.spec.ts').filter((file) => file.includes('.'));
  expect(variants).toEqual(expect.arrayContaining(tests));
});
