import { describe, it } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import { attentionValues } from '../../src/kernels/attention-values.ts';
import type { ProductTiling } from '../../src/kernels/product-tiling.ts';
import { attentionValues as reference } from '../../src/reference/attention-values.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel, testGpu } from '../harness/gpu.ts';

const { features } = (await testGpu()).device;

describe.each<ProductTiling>([{ entry: 'main' }, { entry: 'subgroups' }])('attention-values, $entry', (tiling) => {
  const test = it.skipIf(tiling.entry === 'subgroups' && !features.has('subgroups'));

  for (const [batch, tokens, heads, headSize] of [
    [1, 197, 3, 64],
    [1, 1, 1, 1],
    [3, 5, 2, 18],
    [1, 67, 1, 72],
    [2, 34, 3, 16],
  ]) {
    test(`${batch} x ${tokens} tokens, ${heads} heads of ${headSize}`, async () => {
      const width = heads * headSize;
      const qkv = random(batch * tokens * 3 * width, 1, 2);
      // As a softmax leaves them, they sum to about 1.
      const weights = random(batch * heads * tokens * tokens, 2).map((weight) => Math.abs(weight) / tokens);
      const outputs = new Columns(width, heads);
      const x = toBuffer(qkv, batch * tokens, new Columns(3 * width, 3 * heads));
      const operands = [
        toBuffer(weights, batch * heads * tokens, new Columns(tokens)),
        x,
        emptyBuffer(batch * tokens, outputs),
      ];
      const y = await runKernel(
        attentionValues({ tokens, heads, headSize }, tiling, ALL_SHADERS),
        operands,
        batch * tokens,
      );
      const shape = { batch, tokens, heads, headSize };
      const expected = reference(Float64Array.from(weights), Float64Array.from(qkv), shape);
      expectClose(fromBuffer(y, batch * tokens, outputs), expected, F32_BOUND);
    });
  }
});

describe('attention-values on the CPU', () => {
  for (const [tokens, heads, headSize] of [
    [31, 2, 16],
    [11, 3, 18],
    [1, 1, 1],
  ]) {
    it(`${tokens} tokens, ${heads} heads of ${headSize}`, () =>
      compareOnCpu({
        step: { op: 'attention-values', label: 'values', input: 'x', output: 'y', weights: 'w', heads },
        values: {
          x: [tokens, 3 * heads * headSize],
          y: [tokens, heads * headSize],
          w: [heads * tokens, tokens],
        },
      }));
  }
});
