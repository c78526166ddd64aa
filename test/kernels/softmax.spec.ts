import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import { softmax as reference } from '../../src/reference/softmax.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

describe('softmax', () => {
  for (const [rows, width, scale] of [
    [1, 1000, 20],
    [3, 7, 1],
    [2, 1, 5],
    [5, 197, 1000],
  ]) {
    test(`${rows} rows of ${width}, values up to ${scale}`, async () => {
      const columns = new Columns(width);
      const x = random(rows * width, 1, scale);
      const y = await runKernel(
        softmax({ columns: width }),
        [toBuffer(x, rows, columns), emptyBuffer(rows, columns)],
        rows,
      );
      const expected = Float64Array.from(x);
      for (let row = 0; row < rows; row++) reference(expected, row * width, width);
      expectClose(fromBuffer(y, rows, columns), expected, F32_BOUND);
    });
  }
});

describe('softmax on the CPU', () => {
  for (const [rows, width, scale] of [
    [1, 1000, 20],
    [197, 197, 5],
    [3, 1, 1],
    [5, 7, 200],
  ]) {
    test(`${rows} rows of ${width}, values up to ${scale}`, () =>
      compareOnCpu({
        step: { op: 'softmax', label: 'softmax', input: 'x', output: 'y' },
        values: { x: [rows, width], y: [rows, width] },
        scale,
      }));
  }
});
