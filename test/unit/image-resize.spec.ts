/**
 * The CPU resize against hashes of Pillow's bytes, over every filter and awkward sizes: one pixel, upscaling by 100,
 * one dimension unchanged. Random bytes, so that a single wrong weight shows.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { coefficients, PRECISION_BITS } from '../../src/image/filters.ts';
import { resizeToSpec } from '../../src/image/model-pixels.ts';
import { planPasses } from '../../src/image/passes.ts';
import { pixelSource } from '../../src/image/pixels.ts';
import { resizeOnCpu } from '../../src/image/resize-on-cpu.ts';
import { FILTERS, type Filter, type Preprocess } from '../../src/model/preprocess.ts';
import { resize as reference } from '../../src/reference/resize.ts';
import { checkerboard, randomBytes } from '../harness/random-pixels.ts';

interface HashCase {
  source: [number, number];
  to: [number, number];
  filter: Filter;
  sha256: string;
  checker?: boolean;
}

const { library, cases } = JSON.parse(
  readFileSync(new URL('../fixtures/preprocess/resize-hashes.json', import.meta.url), 'utf8'),
) as { library: string; cases: HashCase[] };

const UNIT = { mean: [0, 0, 0], std: [1, 1, 1] };

function sourceOf({ source: [width, height], checker }: HashCase) {
  const data = checker ? checkerboard(width, height) : randomBytes(width * height * 3, width * 1000 + height);
  return pixelSource({ data, width, height, channels: 3 });
}

describe(`every byte of ${library}`, () => {
  test('all filters are among the cases', () => {
    expect(new Set(cases.map((each) => each.filter))).toEqual(new Set(FILTERS));
  });

  test.for(cases)('$filter $source -> $to', (each) => {
    const [width, height] = each.to;
    const resize = { mode: 'squash', width, height } as const;
    const { data } = resizeToSpec(sourceOf(each), { ...UNIT, resize, filter: each.filter, crop: null });
    expect(createHash('sha256').update(data).digest('hex')).toBe(each.sha256);
  });
});

test.for(FILTERS)('the same bytes as the oracle, %s, with a crop and fill', (filter) => {
  const source = pixelSource({ data: randomBytes(53 * 31 * 4, 6), width: 53, height: 31, channels: 4 });
  for (const [width, height] of [
    [19, 40],
    [53, 12],
    [80, 31],
  ]) {
    const resize = { mode: 'squash', width, height } as const;
    const passes = planPasses(source, { resize, filter, crop: { width: 23, height: 35, rounding: 'floor' } });
    expect(resizeOnCpu(source, passes)).toEqual(reference(source, passes));
  }
});

describe('a crop is a window of the whole resize', () => {
  const source = pixelSource({ data: randomBytes(90 * 40 * 4, 5), width: 90, height: 40, channels: 4 });
  const spec: Preprocess = {
    ...UNIT,
    resize: { mode: 'shortest-edge', size: 24, rounding: 'trunc' },
    filter: 'bicubic',
    crop: null,
  };
  const whole = resizeToSpec(source, spec);

  test.for([
    [24, 54],
    [1, 1],
    [7, 13],
    [40, 20],
    [3, 80],
    [41, 81],
  ])('%i x %i', ([height, width]) => {
    const fill: [number, number, number] = [9, 8, 7];
    const passes = planPasses(source, { ...spec, crop: { height: height!, width: width!, rounding: 'floor', fill } });
    const { left, top } = passes.geometry;
    const expected: number[] = [];
    for (let y = top; y < top + height!; y++) {
      for (let x = left; x < left + width!; x++) {
        const inside = x >= 0 && x < whole.width && y >= 0 && y < whole.height;
        for (let c = 0; c < 3; c++) expected.push(inside ? whole.data[(y * whole.width + x) * 3 + c] : fill[c]);
      }
    }
    expect([...resizeOnCpu(source, passes)]).toEqual(expected);
  });
});

describe('coefficients', () => {
  test.for(FILTERS.flatMap((filter) => [1, 2, 3, 7, 50, 333].map((to) => [filter, to] as const)))(
    '%s 50 -> %i: weights of a pixel add up to one, and stay within the source',
    ([filter, to]) => {
      const { bounds, weights, taps, count } = coefficients(filter, 50, to);
      expect(count).toBe(to);
      for (let i = 0; i < to; i++) {
        const sum = weights.subarray(i * taps, (i + 1) * taps).reduce((a, b) => a + b, 0);
        // Each weight is rounded by half a unit at most.
        expect(Math.abs(sum - 2 ** PRECISION_BITS)).toBeLessThanOrEqual(taps / 2);
        expect(bounds[2 * i]).toBeGreaterThanOrEqual(0);
        expect(bounds[2 * i + 1]).toBeGreaterThan(0);
        expect(bounds[2 * i] + bounds[2 * i + 1]).toBeLessThanOrEqual(50);
      }
    },
  );

  test('sums cannot leave 32 bits', () => {
    for (const filter of FILTERS) {
      for (const [from, to] of [
        [3, 300],
        [50, 7],
        [5000, 224],
        [12000, 248],
      ] as const) {
        const { weights, taps, count } = coefficients(filter, from, to);
        for (let i = 0; i < count; i++) {
          const size = weights.subarray(i * taps, (i + 1) * taps).reduce((sum, weight) => sum + Math.abs(weight), 0);
          expect(size * 255 + 2 ** (PRECISION_BITS - 1)).toBeLessThan(2 ** 31);
        }
      }
    }
  });
});
