import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { unitLength } from '../../src/kernels/unit-length.ts';
import { unitLength as reference } from '../../src/reference/unit-length.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

async function compare(x: Float32Array, width: number) {
  const rows = x.length / width;
  const columns = new Columns(width);
  const operands = [toBuffer(x, rows, columns), emptyBuffer(rows, columns)];
  const y = await runKernel(unitLength({ columns: width }), operands, rows);
  expectClose(fromBuffer(y, rows, columns), reference(Float64Array.from(x), width), F32_BOUND);
}

describe('unit-length', () => {
  for (const [rows, width] of [
    [1, 512],
    [5, 24],
    [3, 13],
    [2, 1],
  ]) {
    test(`${rows} rows of ${width}`, () => compare(random(rows * width, 1, 100), width));
  }

  test('a row of zeros stays zero', () => compare(Float32Array.from([0, 0, 0, 3, 4, 0]), 3));
});

describe('unit-length on the CPU', () => {
  const step = { op: 'unit-length' as const, label: 'unit-length', input: 'x', output: 'y' };
  for (const width of [512, 24, 13, 1]) {
    test(`rows of ${width}`, () =>
      compareOnCpu({ step, values: { x: [1, width], y: [1, width] }, batch: 3, scale: 100 }));
  }

  test('a row of zeros stays zero', () => compareOnCpu({ step, values: { x: [1, 6], y: [1, 6] }, scale: 0 }));
});
