/**
 * A kernel is four files with one stem: shader, wrapper, oracle, test. None may be missing.
 */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Stems of the files in a folder with this ending. */
function stems(folder: string, ending: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

const shaders = stems('shaders', '.wgsl');

test('there are kernels', () => expect(shaders.length).toBeGreaterThan(6));
test('every shader has its wrapper, and every wrapper its shader', () =>
  expect(stems('src/kernels', '.ts')).toEqual(shaders));
test('every shader has its test, and every test its shader', () =>
  expect(stems('test/kernels', '.spec.ts')).toEqual(shaders));
test('every shader has its oracle', () =>
  expect(stems('src/reference', '.ts')).toEqual(expect.arrayContaining(shaders)));
