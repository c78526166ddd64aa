import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { mean } from '../../src/kernels/mean.ts';
import { mean as reference } from '../../src/reference/mean.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

describe('mean', () => {
  for (const [batch, tokens, first, count, width] of [
    [1, 197, 1, 196, 192],
    [3, 17, 0, 1, 48],
    [2, 18, 0, 2, 13],
    [2, 1370, 5, 1365, 67],
    [1, 1, 0, 1, 1],
  ]) {
    test(`tokens ${first} to ${first + count - 1} of ${batch} x ${tokens}, width ${width}`, async () => {
      const columns = new Columns(width);
      const x = random(batch * tokens * width, 1, 3);
      const operands = [toBuffer(x, batch * tokens, columns), emptyBuffer(batch, columns)];
      const y = await runKernel(mean({ tokens, first, count, width }), operands, batch);
      const expected = reference(Float64Array.from(x), { batch, width, first, count });
      expectClose(fromBuffer(y, batch, columns), expected, F32_BOUND);
    });
  }

  for (const [batch, tokens, first, count, width] of [
    [2, 197, 1, 196, 48],
    [3, 5, 4, 1, 13],
  ]) {
    test(`halfway to the largest of ${count} tokens, width ${width}`, async () => {
      const columns = new Columns(width);
      // Below zero, where a largest that began at zero would show.
      const x = random(batch * tokens * width, 1, 3).map((value) => value - 9);
      const operands = [toBuffer(x, batch * tokens, columns), emptyBuffer(batch, columns)];
      const y = await runKernel(mean({ tokens, first, count, width, largest: true }), operands, batch);
      const expected = reference(Float64Array.from(x), { batch, width, first, count, largest: true });
      expectClose(fromBuffer(y, batch, columns), expected, F32_BOUND);
    });
  }

  test('as the second half of a row, whose first half stays', async () => {
    const [batch, tokens, width] = [3, 7, 18];
    const columns = new Columns(2 * width, 2);
    const x = random(batch * tokens * width, 1);
    const before = random(batch * 2 * width, 2);
    const operands = [toBuffer(x, batch * tokens, new Columns(width)), toBuffer(before, batch, columns)];
    const y = await runKernel(mean({ tokens, first: 1, count: 6, width, part: 1, parts: 2 }), operands, batch);
    const expected = reference(Float64Array.from(x), { batch, width, first: 1, count: 6 });
    for (let image = 0; image < batch; image++) {
      before.set(expected.subarray(image * width, (image + 1) * width), (2 * image + 1) * width);
    }
    expectClose(fromBuffer(y, batch, columns), before, F32_BOUND);
  });
});

describe('mean on the CPU', () => {
  for (const [tokens, width, first, count, part] of [
    [197, 192, 1, 196, 0],
    [7, 18, 1, 6, 1],
    [5, 7, 0, 1, 0],
  ]) {
    test(`rows ${first} to ${first + count - 1} of ${tokens}, ${width} wide, as part ${part}`, () =>
      compareOnCpu({
        step: { op: 'mean', label: 'mean', input: 'x', output: 'y', first, count, part, largest: false },
        values: { x: [tokens, width], y: [1, width * (part + 1)] },
        batch: 3,
      }));
  }

  test('halfway to the largest', () =>
    compareOnCpu({
      step: { op: 'mean', label: 'mean', input: 'x', output: 'y', first: 1, count: 6, part: 0, largest: true },
      values: { x: [7, 18], y: [1, 18] },
      batch: 3,
      offset: -9,
    }));
});
