import { describe, expect, test } from 'vitest';
import { Arena } from '../../src/cpu/arena.ts';
import { ACTIVATION_NUMBERS, ENDINGS } from '../../src/cpu/wasm-kernels.ts';
import { Columns } from '../../src/gpu/columns.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import { softmax as reference } from '../../src/reference/softmax.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu, kernelsOf, MODULES } from '../harness/cpu.ts';
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

  test('what is no number stays so, behind a linear layer too', async () => {
    for (const url of Object.values(MODULES)) {
      const arena = new Arena();
      const kernels = await kernelsOf(url, arena);
      const [x, weight, y, scratch] = [64, 64, 32, 64].map((floats) => arena.reserve(4 * floats));
      for (const at of [0, 5]) {
        arena.floats(x, 6).fill(1)[at] = Number.NaN;
        kernels.softmax(x, y, 32, 1, 6);
        expect(arena.floats(y, 6)).toEqual(new Float32Array(6).fill(Number.NaN));
        arena.floats(weight, 48).fill(1);
        for (const activation of Object.values(ACTIVATION_NUMBERS)) {
          kernels.matmul(x, 24, 1, 6, weight, 32, 0, 0, 1, 0, 0, activation, ENDINGS.store, y, 32, scratch);
          expect(arena.floats(y, 8)).toEqual(new Float32Array(8).fill(Number.NaN));
        }
      }
    }
  });
});
