import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { assemble, packStarts } from '../../src/kernels/assemble.ts';
import { assemble as reference, tokenStarts } from '../../src/reference/assemble.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { runKernel } from '../harness/gpu.ts';

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
