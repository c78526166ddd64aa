import { expect, test } from 'vitest';
import { specialise } from '../../src/gpu/specialise.ts';

const SOURCE =
  'const ROWS = 8u;\nconst SCALE = 0.5f;\nconst GELU = false;\nconst WIDTH = ROWS * 2u;\nalias scalar = f32;\n';

test('constants get their values, each in the form of the example, and nothing else changes', () => {
  expect(specialise('a.wgsl', SOURCE, { ROWS: 3, SCALE: 2, GELU: true }, 'f16')).toBe(
    'enable f16;\nconst ROWS = 3u;\nconst SCALE = 2f;\nconst GELU = true;\nconst WIDTH = ROWS * 2u;\nalias scalar = f16;\n',
  );
  expect(specialise('a.wgsl', SOURCE, {})).toBe(SOURCE);
});

test('a name that is not declared, or twice, is refused', () => {
  expect(() => specialise('a.wgsl', SOURCE, { COLUMNS: 1 })).toThrow('a.wgsl declares the constant COLUMNS 0 times');
  expect(() => specialise('a.wgsl', SOURCE, { constructor: 1 })).toThrow('constructor 0 times');
  expect(() => specialise('a.wgsl', SOURCE + SOURCE, { ROWS: 1 })).toThrow('ROWS 2 times instead of once');
});

test.each([
  ['ROWS', -1],
  ['ROWS', 1.5],
  ['SCALE', Number.NaN],
  ['GELU', 1],
  ['ROWS', true],
])('%s cannot be %s', (name, value) => {
  expect(() => specialise('a.wgsl', SOURCE, { [name]: value })).toThrow(`a.wgsl: ${name} cannot be ${value}`);
});
