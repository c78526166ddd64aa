/**
 * The arithmetic of the benchmark, and its round robin with systems that do nothing.
 */
import { describe, expect, test } from 'vitest';
import { compare, isCompared } from '../../bench/compare.ts';
import type { Contender } from '../../bench/contender.ts';
import { architectureOf, type PreparedModel } from '../../bench/models.ts';
import { floorOf } from '../../bench/peaks.ts';
import { spread } from '../../bench/stats.ts';

describe('median and quartiles', () => {
  test('of an odd number', () => expect(spread([5, 1, 3])).toEqual({ count: 3, median: 3, low: 2, high: 4 }));
  test('of an even number', () =>
    expect(spread([4, 1, 3, 2])).toEqual({ count: 4, median: 2.5, low: 1.75, high: 3.25 }));
  test('of one', () => expect(spread([7])).toEqual({ count: 1, median: 7, low: 7, high: 7 }));
});

test('the floor is the larger of arithmetic and memory', () => {
  const peaks = { flops: 1e9, bandwidth: 1e8 };
  expect(floorOf({ macs: 1e9, weights: 0, values: 0 }, peaks)).toBe(2000);
  expect(floorOf({ macs: 1, weights: 2e7, values: 5e6 }, peaks)).toBe(1000);
});

describe('the comparison', () => {
  const model: PreparedModel = {
    title: 'ViT-Ti/16 at 224',
    architecture: architectureOf('Ti', 224),
    folder: '',
    weights: 'seed 1',
    shardBytes: 1,
    onnxBytes: 1,
  };
  const limits = { loads: 3, minRounds: 3, maxRounds: 5, budget: 10, longestRun: 20, settle: 0 };
  const asked: string[] = [];
  /** Milliseconds of a load, the slowest first. */
  const script = [9, 1, 3];
  const system = (name: string, secondsPerImage: number, logits = [1, 2], opened = 0): Contender => ({
    name,
    onAdapter: true,
    open: async () => ({
      first: {
        stages: { script: script[opened++], 'first run': 2 },
        logits,
        scriptBytes: 1,
        weightBytes: 1,
        remark: '',
      },
      run: async (images) => {
        asked.push(`${name} ${images}`);
        return 1000 * secondsPerImage * images;
      },
      kernels: async () => (name === 'quick' ? 'matmul direct' : Promise.reject(new Error('gone'))),
      peakMemory: async () => null,
      close: async () => void asked.push(`${name} closed`),
    }),
  });
  const broken: Contender = {
    name: 'broken',
    onAdapter: true,
    open: () => Promise.reject(new Error('no such provider\nand more')),
  };

  test('asks in turn, leaves out what takes too long, and goes on without what fails', async () => {
    const contenders = [system('quick', 0.01), broken, system('slow', 5, [1, 2.5])];
    const fetches = [7, 9, 8];
    const fetchAlone = async () => fetches.shift()!;
    const comparison = await compare(model, contenders, [1, 8], limits, null, () => {}, fetchAlone);
    const { loads, batches, kernels } = comparison;
    expect(comparison.fetchAlone).toBe(8);
    expect(fetches).toEqual([]);
    expect(loads.map(({ system, total, totals, difference }) => [system, total, totals, difference])).toEqual([
      ['quick', 5, [3, 5, 11], 0],
      ['slow', 5, [3, 5, 11], 0.5],
    ]);
    expect(loads[0].stages).toEqual({ script: 3, 'first run': 2 });
    const [one, eight] = batches;
    expect(one.rows.map(({ time }) => time?.count)).toEqual([5, undefined, 3]);
    expect(one.rows.map(({ remark }) => remark)).toEqual(['', 'failed: no such provider', '']);
    expect(eight.rows[2].remark).toBe('left out: some 40 s per run');
    expect(eight.rows[0].imagesPerSecond).toBeCloseTo(100);
    expect(kernels).toEqual({ quick: 'matmul direct' });
    expect(isCompared(eight)).toBe(true);
    const ran = eight.rows.map((row) => ({ ...row, ofFloor: null }));
    expect(isCompared({ ...eight, floor: 1, rows: ran })).toBe(false);
    // A CPU alone.
    expect(isCompared({ ...eight, floor: 1, rows: ran.slice(0, 1) })).toBe(true);
    // Loads in turn, with nothing else open, and one more that does not count and stays open.
    const closed = ['quick closed', 'slow closed'];
    expect(asked.splice(0, 6)).toEqual([...closed, ...closed, ...closed]);
    // Warm-up, then every round begins with another one.
    const firsts = ['quick 1', 'slow 1', 'quick 1', 'slow 1', 'slow 1', 'quick 1', 'quick 1', 'slow 1'];
    expect(asked.slice(0, 8)).toEqual(firsts);
    expect(asked.slice(-2).sort()).toEqual(['quick closed', 'slow closed']);
  });
});
