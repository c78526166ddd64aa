import { describe, expect, it } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import { packBiasTable } from '../../src/kernels/attention.ts';
import { attentionScores } from '../../src/kernels/attention-scores.ts';
import type { ProductTiling } from '../../src/kernels/product-tiling.ts';
import { attentionScores as reference, type ScoreShape } from '../../src/reference/attention-scores.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel, testGpu } from '../harness/gpu.ts';

const { features } = (await testGpu()).device;

async function scoresOf(shape: ScoreShape, tiling: ProductTiling) {
  const { batch, tokens, heads, headSize, relative } = shape;
  const qkv = random(batch * tokens * 3 * heads * headSize, 1, 2);
  const x = toBuffer(qkv, batch * tokens, new Columns(3 * heads * headSize, 3 * heads));
  const rows = batch * heads * tokens;
  const columns = new Columns(tokens);
  const operands = [x, relative ? packBiasTable(relative.table, heads) : x, emptyBuffer(rows, columns)];
  const y = await runKernel(attentionScores({ ...shape, grid: relative?.grid }, tiling, ALL_SHADERS), operands, rows);
  return { actual: fromBuffer(y, rows, columns), expected: reference(Float64Array.from(qkv), shape) };
}

describe.each<ProductTiling>([{ entry: 'main' }, { entry: 'subgroups' }])('attention-scores, $entry', (tiling) => {
  const test = it.skipIf(tiling.entry === 'subgroups' && !features.has('subgroups'));

  for (const [batch, tokens, heads, headSize] of [
    [1, 197, 3, 64],
    [1, 1, 1, 1],
    [3, 5, 2, 18],
    [1, 67, 1, 72],
    [2, 34, 3, 16],
  ]) {
    test(`${batch} x ${tokens} tokens, ${heads} heads of ${headSize}`, async () => {
      const { actual, expected } = await scoresOf({ batch, tokens, heads, headSize, scale: headSize ** -0.5 }, tiling);
      expectClose(actual, expected, F32_BOUND);
    });
  }

  test('relative position bias', async () => {
    const relative = { table: random((5 * 9 + 3) * 2, 7, 3), grid: [3, 5] as const };
    const { actual, expected } = await scoresOf(
      { batch: 2, tokens: 16, heads: 2, headSize: 18, scale: 1, relative },
      tiling,
    );
    expectClose(actual, expected, F32_BOUND);
  });

  test('what comes later has a score that no exponential survives', async () => {
    const { actual, expected } = await scoresOf(
      { batch: 1, tokens: 9, heads: 2, headSize: 4, scale: 1, causal: true },
      tiling,
    );
    for (const [i, score] of expected.entries()) {
      if (score === -Infinity) expect(actual[i]).toBeLessThan(-1e38);
      else expect(Math.abs(actual[i] - score)).toBeLessThan(F32_BOUND * 20);
    }
  });
});

describe('attention-scores on the CPU', () => {
  const step = { op: 'attention-scores' as const, label: 'scores', input: 'x', output: 'y', heads: 3, scale: 0.25 };
  it('causal', () =>
    compareOnCpu({
      step: { ...step, causal: true, relative: null },
      values: { x: [11, 3 * 54], y: [33, 11] },
    }));

  it('biases of a grid', () =>
    compareOnCpu({
      step: { ...step, causal: false, relative: { table: 't', grid: [3, 5] } },
      values: { x: [16, 3 * 48], y: [48, 16] },
      tensors: { t: random((5 * 9 + 3) * 3, 7, 3) },
    }));
});
