/**
 * The CPU reference is the oracle of everything else, so it is compared with values from elsewhere: tables and identities
 * here, the outputs of timm and transformers in families.spec.ts.
 */
import { describe, expect, test } from 'vitest';
import { type Rotary, rotationTable } from '../../src/model/rotary.ts';
import { swiglu } from '../../src/reference/activation.ts';
import { assemble, tokenStarts } from '../../src/reference/assemble.ts';
import { attention } from '../../src/reference/attention.ts';
import { relativeIndex } from '../../src/reference/attention-scores.ts';
import { gather } from '../../src/reference/gather.ts';
import { erf } from '../../src/reference/gelu.ts';
import { layerNorm } from '../../src/reference/layer-norm.ts';
import { matmul } from '../../src/reference/matmul.ts';
import { mean } from '../../src/reference/mean.ts';
import { rotate } from '../../src/reference/rotate.ts';
import { softmax } from '../../src/reference/softmax.ts';
import { unitLength } from '../../src/reference/unit-length.ts';

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

test('the root mean square of 3, 4, 0, 0 is 2.5, and no mean is taken off', () => {
  const shape = { rows: 1, columns: 4, epsilon: 1e-300, norm: 'rms' } as const;
  const y = layerNorm(Float64Array.of(3, 4, 0, 0), [1, 1, 1, 1], null, shape);
  expect([...y]).toEqual([1.2, 1.6, 0, 0].map((value) => expect.closeTo(value, 12)));
});

describe('rotate', () => {
  // Two tokens of one head of four features; the first one stays. A quarter and a half turn.
  const qkv = Float64Array.of(...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  const y = rotate(qkv, [0, 1, -1, 0], { tokens: 2, heads: 1, pairs: 2, first: 1 });

  test('turns features half a head apart, of Q and of K', () => {
    expect([...y.subarray(12, 20)]).toEqual([-3, -2, 1, -4, -7, -6, 5, -8]);
  });

  test('leaves V and the tokens in front as they are', () => {
    expect([...y.subarray(0, 12), ...y.subarray(20)]).toEqual([...qkv.subarray(0, 12), 9, 10, 11, 12]);
  });
});

test('positions of a grid are counted, scaled to another, or centred', () => {
  const angles = (rotary: Rotary) => {
    const table = rotationTable([0, 1], { rotary, grid: [3, 1], registers: 0, pairs: 1, heads: 1, block: 0 });
    return [0, 1, 2].map((row) => Math.atan2(table[2 * row + 1], table[2 * row]));
  };
  const close = (values: number[]) => values.map((value) => expect.closeTo(value, 12));
  expect(angles({ frequencies: 'shared', positions: 'counted' })).toEqual(close([0, 1, 2]));
  expect(angles({ frequencies: 'shared', positions: 'counted', offset: 1, grid: [1, 1] })).toEqual(
    close([1 / 3, 2 / 3, 1]),
  );
  expect(angles({ frequencies: 'shared', positions: 'centred' })).toEqual(close([-2 / 3, 0, 2 / 3]));
});

test('registers that turn have angles of their own, before those of patches, in each head', () => {
  // By column, by row, and of one register: two heads of one pair.
  const frequencies = [0, 0, 1, 10, 0.25, 0.5];
  const rotary: Rotary = { frequencies: 'per-head', positions: 'counted', registers: true };
  const table = rotationTable(frequencies, { rotary, grid: [2, 1], registers: 1, pairs: 1, heads: 2, block: 0 });
  const expected = [0.25, 0, 1, 0.5, 0, 10].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
  expect([...table]).toEqual(expected.map((value) => expect.closeTo(value, 12)));
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

describe('causal attention', () => {
  test('of the first token is to itself alone', () => {
    const qkv = Float64Array.from([1, 2, 3, 4, 5, 6]);
    const y = attention(qkv, { batch: 1, tokens: 2, heads: 1, headSize: 1, scale: 1, causal: true });
    expect(y[0]).toBe(3);
    // Scores 4 * 2 and 4 * 5, of values 3 and 6.
    const weight = 1 / (1 + Math.exp(12));
    expect(y[1]).toBeCloseTo(3 * weight + 6 * (1 - weight), 12);
  });
});

describe('the place of a relative bias', () => {
  test('is counted by hand for 2 x 3 patches', () => {
    // 3 differences of rows times 5 of columns, then class to patch, patch to class, class to class.
    expect(relativeIndex(0, 4, [2, 3])).toBe(15);
    expect(relativeIndex(4, 0, [2, 3])).toBe(16);
    expect(relativeIndex(0, 0, [2, 3])).toBe(17);
    // The first patch and the last one: rows 0 and 1, columns 0 and 2.
    expect(relativeIndex(1, 6, [2, 3])).toBe(0);
    expect(relativeIndex(6, 1, [2, 3])).toBe(14);
    expect(relativeIndex(3, 3, [2, 3])).toBe(7);
    expect(relativeIndex(2, 1, [2, 3])).toBe(8);
    expect(relativeIndex(4, 1, [2, 3])).toBe(12);
  });
});

test('tokens start from prefix tokens and from what positions there are', () => {
  const shape = { tokens: 5, width: 1, positionPrefix: 1 };
  // A class token, two registers without a position, two patches.
  expect([...tokenStarts([[1], [2, 3]], [10, 20, 30], shape)]).toEqual([11, 2, 3, 20, 30]);
  expect([...tokenStarts([[1], [2, 3]], null, shape)]).toEqual([1, 2, 3, 0, 0]);
  expect([...assemble(Float64Array.of(5, 6), tokenStarts([[1], [2, 3]], null, shape), 1)]).toEqual([1, 2, 3, 5, 6]);
});

test('the mean of some rows of each image', () => {
  const x = Float64Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
  expect([...mean(x, { batch: 2, width: 2, first: 1, count: 2 })]).toEqual([4, 5, 40, 50]);
});

test('rows by index, with others added over and over', () => {
  expect([...gather([1, 2, 3, 4, 5, 6], [2, 0, 2], [10, 20], 2)]).toEqual([15, 26, 11, 22, 15, 26]);
  expect([...gather([1, 2, 3], [1, 1], null, 1)]).toEqual([2, 2]);
});

test('rows of length 1, and zeros that stay zeros', () => {
  expect([...unitLength(Float64Array.of(3, 4, 0, 0), 2)]).toEqual([0.6, 0.8, 0, 0]);
});

test('swiglu: the first half decides how much of the second passes', () => {
  const y = swiglu(Float64Array.of(0, 100, 7, 7, -100, 1, 3, 3), 2);
  expect(y[0]).toBe(0);
  expect(y[1]).toBeCloseTo(700, 10);
  expect(y[2]).toBeCloseTo(0, 10);
  expect(y[3]).toBeCloseTo(3 / (1 + Math.exp(-1)), 12);
});
