/**
 * The CPU reference is the oracle of everything else, so it is held against values from elsewhere: tables and identities
 * here, the outputs of timm and transformers in fixtures.spec.ts.
 */
import { describe, expect, test } from 'vitest';
import { attention } from '../../src/reference/attention.ts';
import { erf } from '../../src/reference/gelu.ts';
import { layerNorm } from '../../src/reference/layer-norm.ts';
import { matmul } from '../../src/reference/matmul.ts';
import { softmax } from '../../src/reference/softmax.ts';

describe('erf', () => {
  // Abramowitz and Stegun, table 7.1, and erfc from mpmath beyond.
  for (const [x, value] of [
    [0, 0],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.5, 0.999593047982555],
    [3, 0.9999779095030014],
    [4, 0.9999999845827421],
    [6, 1],
  ]) {
    test(`erf(${x})`, () => {
      expect(erf(x)).toBeCloseTo(value, 14);
      expect(erf(-x)).toBeCloseTo(-value, 14);
    });
  }

  test('both formulas agree where they meet', () => {
    expect(erf(2.5 - 1e-12)).toBeCloseTo(erf(2.5 + 1e-12), 13);
  });
});

test('layer-norm of 1, 2, 3, 4 has the deviations over the root of 1.25', () => {
  const y = layerNorm(Float64Array.of(1, 2, 3, 4), [1, 1, 1, 2], [0, 0, 0, 1], {
    rows: 1,
    columns: 4,
    epsilon: 1e-300,
  });
  const unit = 1 / Math.sqrt(1.25);
  expect([...y]).toEqual([-1.5 * unit, -0.5 * unit, 0.5 * unit, 1.5 * unit * 2 + 1].map((v) => expect.closeTo(v, 12)));
});

test('matmul multiplies by the transposed weight', () => {
  const weight = [1, 0, 0, 1, 1, 1, 2, -1, 0, 3];
  const y = matmul(Float64Array.of(3, 4), weight, [0, 0, 0, 10, 0], { rows: 1, inputs: 2, outputs: 5 });
  expect([...y]).toEqual([3, 4, 7, 12, 12]);
});

test('softmax of equal numbers is uniform, however large', () => {
  const x = Float64Array.of(1e6, 1e6, 1e6, 1e6);
  softmax(x);
  expect([...x]).toEqual([0.25, 0.25, 0.25, 0.25]);
});

test('attention with equal keys averages the values of the same image and head', () => {
  // Two images of two tokens, two heads of size 1: [q0 q1 | k0 k1 | v0 v1]
  const qkv = Float64Array.from(
    [
      [1, 2, 0, 0, 1, 10],
      [5, 6, 0, 0, 3, 30],
      [1, 1, 0, 0, 5, 50],
      [1, 1, 0, 0, 7, 70],
    ].flat(),
  );
  const y = attention(qkv, { batch: 2, tokens: 2, heads: 2, headSize: 1, scale: 1 });
  expect([...y]).toEqual([2, 20, 2, 20, 6, 60, 6, 60]);
});

test('attention follows the key that matches', () => {
  const qkv = Float64Array.from(
    [
      [50, 1, 111],
      [-50, -1, 222],
    ].flat(),
  );
  const y = attention(qkv, { batch: 1, tokens: 2, heads: 1, headSize: 1, scale: 1 });
  expect(y[0]).toBeCloseTo(111, 10);
  expect(y[1]).toBeCloseTo(222, 10);
});
