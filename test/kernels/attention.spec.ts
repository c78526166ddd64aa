import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { attention } from '../../src/kernels/attention.ts';
import { type AttentionShape, attention as reference } from '../../src/reference/attention.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { runKernel } from '../harness/gpu.ts';

async function compare(shape: AttentionShape, qkv: Float32Array) {
  const { batch, tokens, heads, headSize, scale } = shape;
  const rows = batch * tokens;
  const inputs = new Columns(3 * heads * headSize, 3 * heads);
  const outputs = new Columns(heads * headSize, heads);
  const kernel = attention({ tokens, heads, headSize, scale });
  const y = await runKernel(kernel, [toBuffer(qkv, rows, inputs), emptyBuffer(rows, outputs)], rows);
  expectClose(fromBuffer(y, rows, outputs), reference(Float64Array.from(qkv), shape), F32_BOUND);
}

describe('attention', () => {
  for (const [batch, tokens, heads, headSize] of [
    [1, 197, 3, 64],
    [1, 1, 1, 1],
    [3, 5, 2, 18],
    [2, 31, 2, 16],
    [1, 64, 1, 72],
    [1, 257, 1, 80],
  ]) {
    test(`${batch} x ${tokens} tokens, ${heads} heads of ${headSize}`, () => {
      const qkv = random(batch * tokens * 3 * heads * headSize, 1, 2);
      return compare({ batch, tokens, heads, headSize, scale: headSize ** -0.5 }, qkv);
    });
  }

  test('scores of hundreds, where exponentials alone would overflow', async () => {
    const shape = { batch: 1, tokens: 50, heads: 2, headSize: 16, scale: 1 };
    await compare(shape, random(50 * 3 * 32, 2, 12));
  });

  test('the largest score comes last, so that every step rescales', async () => {
    const [tokens, headSize] = [23, 8];
    const qkv = random(tokens * 3 * headSize, 3);
    for (let token = 0; token < tokens; token++) {
      for (let i = 0; i < headSize; i++) {
        qkv[token * 3 * headSize + i] = 1;
        qkv[token * 3 * headSize + headSize + i] = token;
      }
    }
    await compare({ batch: 1, tokens, heads: 1, headSize, scale: 1 }, qkv);
  });
});
