/**
 * What `--dtype auto` makes of the losses that it measured.
 */
import { expect, test } from 'vitest';
import { choose, type Matrix } from '../../src/cli/search-dtypes.ts';

const matrix = (name: string, i4: number | null, i8: number, shape = [64, 64]): Matrix => ({
  name,
  shape,
  squares: new Map([...(i4 === null ? [] : [['i4', i4] as const]), ['i8', i8] as const, ['f16', 0] as const]),
});

const MATRICES = [
  matrix('bears it', 0.01, 0.001),
  matrix('does not', 0.5, 0.002),
  matrix('has no groups', null, 0.001),
];
const chosen = (budget: number) => Object.fromEntries(choose(MATRICES, budget));

test('all have the fewest bits where the loss allows it', () =>
  expect(chosen(1)).toEqual({ 'bears it': 'i4', 'does not': 'i4', 'has no groups': 'i8' }));

test('who loses most gets more first', () => {
  expect(chosen(0.1)).toEqual({ 'bears it': 'i4', 'does not': 'i8', 'has no groups': 'i8' });
  expect(chosen(0.005)).toEqual({ 'bears it': 'i8', 'does not': 'i8', 'has no groups': 'i8' });
  expect(chosen(0.002)).toEqual({ 'bears it': 'i8', 'does not': 'f16', 'has no groups': 'i8' });
});

test('of two that lose as much the smaller one gets more', () => {
  const found = choose([matrix('large', 0.1, 0, [640, 64]), matrix('small', 0.1, 0)], 0.15);
  expect(Object.fromEntries(found)).toEqual({ large: 'i4', small: 'i8' });
});

test('halves where nothing else is within the loss', () =>
  expect([...choose(MATRICES, 0).values()]).toEqual(['f16', 'f16', 'f16']));
