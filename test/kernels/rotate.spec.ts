import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { rotate } from '../../src/kernels/rotate.ts';
import { rotate as reference } from '../../src/reference/rotate.ts';
import { expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

describe('rotate', () => {
  for (const [batch, tokens, first, heads, pairs, perHead] of [
    [1, 197, 1, 12, 32, false],
    [1, 1, 0, 1, 1, false],
    [3, 13, 5, 2, 14, false],
    [2, 7, 0, 3, 9, true],
    [2, 201, 5, 5, 10, true],
  ] as [number, number, number, number, number, boolean][]) {
    const table = perHead ? 'a table for each of' : 'one table for';
    test(`${batch} x ${tokens} tokens from ${first} on, ${table} ${heads} heads of ${2 * pairs}`, async () => {
      const rows = batch * tokens;
      const columns = new Columns(6 * heads * pairs, 3 * heads);
      const qkv = random(rows * columns.count, 1);
      const angles = random((perHead ? heads : 1) * (tokens - first) * pairs, 2, 3);
      const turns = Float32Array.from({ length: 2 * angles.length }, (_, i) =>
        i % 2 === 0 ? Math.cos(angles[i / 2]) : Math.sin(angles[(i - 1) / 2]),
      );
      const sizes = { tokens, first, heads, pairs };
      const y = await runKernel(rotate({ ...sizes, perHead }), [turns, toBuffer(qkv, rows, columns)], rows);
      expectClose(fromBuffer(y, rows, columns), reference(Float64Array.from(qkv), turns, sizes), F32_BOUND);
    });
  }
});

describe('rotate on the CPU', () => {
  for (const [rows, columns, first, heads, pairs, perHead] of [
    [7, 28, 1, 12, 32, false],
    [1, 1, 0, 1, 1, false],
    [3, 5, 5, 2, 14, true],
  ] as [number, number, number, number, number, boolean][]) {
    test(`${rows} x ${columns} patches behind ${first} tokens, ${heads} heads of ${2 * pairs}, each its own: ${perHead}`, () => {
      const shape: [number, number] = [first + rows * columns, 6 * heads * pairs];
      const rotary = { frequencies: perHead ? 'per-head' : 'shared', positions: 'counted', offset: 1 } as const;
      const own = perHead ? heads : 1;
      return compareOnCpu({
        step: {
          ...{ op: 'rotate', label: 'rotate', input: 'x', output: 'x', heads, frequencies: 'f', first },
          turning: { rotary, grid: [rows, columns], registers: 0, pairs, heads: own, block: perHead ? 1 : 0 },
        },
        values: { x: shape },
        tensors: { f: random(2 * 2 * own * pairs, 2) },
        batch: 3,
      });
    });
  }
});
