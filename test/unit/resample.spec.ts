/**
 * Position embeddings on other grids: against PyTorch, timm and SciPy (`fixtures/resampling.json`, which says the
 * versions), and against what follows from the rules themselves.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  POSITION_RESAMPLINGS,
  type PositionResampling,
  RELATIVE_RESAMPLINGS,
  type RelativeResampling,
} from '../../src/model/architecture.ts';
import { resamplePositions, resampleRelative } from '../../src/model/resample.ts';
import { expectClose, random } from '../harness/arrays.ts';

type Size = [number, number];

interface Case<Rule> {
  rule: Rule;
  from: Size;
  to: Size;
  input: number[];
  output: number[];
}

const goldens: {
  positions: (Case<PositionResampling> & { width: number })[];
  relative: (Case<RelativeResampling> & { heads: number })[];
} = JSON.parse(readFileSync(new URL('../fixtures/resampling.json', import.meta.url), 'utf8'));

/** The libraries compute in f32; of numbers up to 3 that leaves 1e-6. */
const BOUND = 1e-6;

describe('positions, as the libraries resample them', () => {
  for (const { rule, from, to, width, input, output } of goldens.positions) {
    test(`${rule}: ${from.join('x')} to ${to.join('x')}`, () =>
      expectClose(resamplePositions(input, rule, { prefix: 0, width, from, to }), output, BOUND));
  }
});

describe('tables of relative positions, as the libraries resample them', () => {
  for (const { rule, from, to, heads, input, output } of goldens.relative) {
    // The factor of a geometric scale is found to 1e-6, and timm rounds the positions to f32.
    const bound = rule === 'geometric' ? 1e-5 : BOUND;
    test(`${rule}: ${from.join('x')} to ${to.join('x')}`, () =>
      expectClose(resampleRelative(input, rule, { heads, from, to }), output, bound));
  }
});

/** Whole models of families.spec.ts are the goldens of these. */
const OF_MODELS = ['bilinear-antialias', 'sincos', 'sincos-inclusive'];
const interpolations = POSITION_RESAMPLINGS.filter((rule) => !rule.startsWith('sincos'));

test('there are goldens of every rule', () => {
  const rules = [...new Set([...goldens.positions.map(({ rule }) => rule), ...OF_MODELS])];
  expect(rules.sort()).toEqual([...POSITION_RESAMPLINGS].sort());
  expect([...new Set(goldens.relative.map(({ rule }) => rule))].sort()).toEqual([...RELATIVE_RESAMPLINGS].sort());
});

describe('from first principles', () => {
  for (const rule of interpolations) {
    test(`${rule}: what is the same everywhere stays the same`, () => {
      const constant = new Float32Array(5 * 6 * 2).fill(1.25);
      const result = resamplePositions(constant, rule, { prefix: 0, width: 2, from: [5, 6], to: [8, 3] });
      expectClose(result, new Float32Array(8 * 3 * 2).fill(1.25), 1e-7);
    });

    test(`${rule}: prefix rows are kept, and features do not mix`, () => {
      const [prefix, patches] = [random(2 * 3, 1), random(4 * 4, 2)];
      const embedding = new Float32Array([...prefix, ...[...patches].flatMap((value) => [value, 0, 2 * value])]);
      const to: Size = [6, 5];
      const all = resamplePositions(embedding, rule, { prefix: 2, width: 3, from: [4, 4], to });
      const alone = resamplePositions(patches, rule, { prefix: 0, width: 1, from: [4, 4], to });
      expectClose(all.subarray(0, 6), prefix, 0);
      expectClose(
        all.subarray(6),
        [...alone].flatMap((value) => [value, 0, 2 * value]),
        1e-6,
      );
    });
  }

  for (const rule of ['bicubic', 'bicubic-antialias', 'bicubic-corners', 'bilinear', 'bilinear-corners'] as const) {
    test(`${rule}: to the same grid is nothing at all`, () => {
      const embedding = random(20 * 3, 3);
      const same = resamplePositions(embedding, rule, { prefix: 0, width: 3, from: [4, 5], to: [4, 5] });
      expectClose(same, embedding, 1e-7);
    });
  }

  test('computed positions are computed anew, whatever there was', () => {
    for (const [rule, longest] of [
      ['sincos', 10000 ** -0.5],
      ['sincos-inclusive', 10000 ** -1],
    ] as const) {
      const nothing = new Float32Array(4 * 8);
      const result = resamplePositions(nothing, rule, { prefix: 0, width: 8, from: [2, 2], to: [3, 5] });
      // Row 2, column 4: sines and cosines of the column, then of the row.
      const expected = [4, 4 * longest].map(Math.sin).concat([4, 4 * longest].map(Math.cos));
      expected.push(...[2, 2 * longest].map(Math.sin), ...[2, 2 * longest].map(Math.cos));
      expectClose(result.subarray(14 * 8), expected, 1e-7);
    }
  });

  test('an impulse shows the kernel: a = -0.75 without antialias, -0.5 with', () => {
    const impulse = (rule: PositionResampling) => {
      const line = Float32Array.from({ length: 9 }, (_, i) => Number(i === 4));
      return resamplePositions(line, rule, { prefix: 0, width: 1, from: [1, 9], to: [1, 18] });
    };
    // Outputs lie at -1.25, -0.75, -0.25, 0.25, … of the impulse; at 1.25 and 1.75 the kernel is a (x - 1) (x - 2)².
    const tail = (a: number) => [a * 0.75 * 0.25 ** 2, a * 0.25 * 0.75 ** 2];
    expectClose(impulse('bicubic').subarray(5, 7), tail(-0.75), 1e-7);
    expectClose(impulse('bicubic-antialias').subarray(5, 7), tail(-0.5), 1e-7);
  });

  test('with corners kept, the corners are kept', () => {
    for (const rule of ['bicubic-corners', 'bilinear-corners'] as const) {
      const embedding = random(16, 4);
      const result = resamplePositions(embedding, rule, { prefix: 0, width: 1, from: [4, 4], to: [7, 9] });
      const corners = [result[0], result[8], result[6 * 9], result[62]];
      expectClose(corners, [embedding[0], embedding[3], embedding[12], embedding[15]], 1e-6);
    }
  });

  for (const rule of RELATIVE_RESAMPLINGS) {
    test(`relative, ${rule}: the three rows of the class token are kept, and no difference stays no difference`, () => {
      const [heads, from, to] = [2, [4, 4] as Size, [6, 7] as Size];
      const table = random((7 * 7 + 3) * heads, 5);
      const result = resampleRelative(table, rule, { heads, from, to });
      expect(result).toHaveLength((11 * 13 + 3) * heads);
      expectClose(result.subarray(-3 * heads), table.subarray(-3 * heads), 0);
      const [middle, before] = [5 * 13 + 6, 3 * 7 + 3];
      expectClose(
        result.subarray(middle * heads, (middle + 1) * heads),
        table.subarray(before * heads, (before + 1) * heads),
        1e-6,
      );
    });
  }
});
