import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { assemble, packStarts } from '../../src/kernels/assemble.ts';
import { assemble as reference, tokenStarts } from '../../src/reference/assemble.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';
import { TINY } from '../harness/tiny-model.ts';

describe('assemble', () => {
  for (const [batch, patches, prefixRows, positionPrefix, width] of [
    [1, 196, [1], 1, 192],
    [3, 4, [1, 1], 2, 13],
    [2, 6, [1, 4], 1, 48],
    [2, 9, [1], 0, 18],
    [2, 5, [], 0, 1],
  ] as [number, number, number[], number, number][]) {
    test(`${batch} x ${patches} patches behind [${prefixRows}] of which ${positionPrefix} have a position`, async () => {
      const prefix = prefixRows.map((rows, i) => random(rows * width, 2 + i));
      const position = random((positionPrefix + patches) * width, 10);
      const patchRows = random(batch * patches * width, 1);
      const tokens = patches + prefixRows.reduce((a, b) => a + b, 0);
      const shape = { tokens, width, positionPrefix };
      const columns = new Columns(width);
      const operands = [
        toBuffer(patchRows, batch * patches, columns),
        packStarts({ prefix, position, bias: null }, shape),
        emptyBuffer(batch * tokens, columns),
      ];
      const kernel = assemble({ tokens, prefix: tokens - patches, width });
      const y = await runKernel(kernel, operands, batch * tokens);
      const expected = reference(Float64Array.from(patchRows), tokenStarts(prefix, position, shape), batch);
      expectClose(fromBuffer(y, batch * tokens, columns), expected, F32_BOUND);
    });
  }
});

describe('assemble on the CPU', () => {
  for (const width of [18, 64]) {
    test(`behind a class token, ${width} wide`, () =>
      compareOnCpu({
        step: {
          ...{ op: 'assemble', label: 'assemble', input: 'x', output: 'y' },
          starts: { prefix: ['c'], position: 'p', positionPrefix: 1, tokens: 10 },
        },
        values: { x: [9, width], y: [10, width] },
        tensors: { c: random(width, 1), p: random(10 * width, 2) },
        architecture: { ...TINY, width },
      }));
  }
});
