import { describe, expect, test } from 'vitest';
import attentionSource from '../../shaders/attention.wgsl?raw';
import scoresSource from '../../shaders/attention-scores.wgsl?raw';
import { Columns } from '../../src/gpu/columns.ts';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import { type AttentionTiling, attention, packBiasTable, packQuery } from '../../src/kernels/attention.ts';
import { attentionScores } from '../../src/kernels/attention-scores.ts';
import { attentionValues } from '../../src/kernels/attention-values.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import { attentionOfQuery, attention as reference } from '../../src/reference/attention.ts';
import type { ScoreShape } from '../../src/reference/attention-scores.ts';
import { matmul } from '../../src/reference/matmul.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { type CpuCase, compareOnCpu } from '../harness/cpu.ts';
import { runKernel, testGpu } from '../harness/gpu.ts';

const DIRECT: AttentionTiling = { entry: 'direct' };
const { features } = (await testGpu()).device;

async function run(shape: ScoreShape, qkv: Float32Array, tiling = DIRECT): Promise<Float32Array> {
  const { batch, tokens, heads, headSize, relative } = shape;
  const rows = batch * tokens;
  const outputs = new Columns(heads * headSize, heads);
  const x = toBuffer(qkv, rows, new Columns(3 * heads * headSize, 3 * heads));
  const table = relative ? packBiasTable(relative.table, heads) : x;
  const kernel = attention({ ...shape, grid: relative?.grid }, tiling, ALL_SHADERS);
  return fromBuffer(await runKernel(kernel, [x, x, table, emptyBuffer(rows, outputs)], rows), rows, outputs);
}

async function compare(shape: ScoreShape, qkv: Float32Array, tiling = DIRECT) {
  expectClose(await run(shape, qkv, tiling), reference(Float64Array.from(qkv), shape), F32_BOUND);
}

/** One query for all images. */
async function compareShared(shape: ScoreShape, tiling = DIRECT) {
  const { batch, tokens, heads, headSize } = shape;
  const width = heads * headSize;
  const outputs = new Columns(width, heads);
  const keysValues = random(batch * tokens * 2 * width, 1, 2);
  const latent = random(width, 2);
  const weight = random(width * width, 3, 2 / Math.sqrt(width));
  const bias = random(width, 4);
  const x = toBuffer(keysValues, batch * tokens, new Columns(2 * width, 2 * heads));
  const query = packQuery(latent, weight, bias, outputs);
  const kernel = attention({ ...shape, sharedQuery: true }, tiling, ALL_SHADERS);
  const y = await runKernel(kernel, [query, x, x, emptyBuffer(batch, outputs)], batch);
  const q = matmul(Float64Array.from(latent), weight, bias, { rows: 1, inputs: width, outputs: width });
  const expected = attentionOfQuery(q, Float64Array.from(keysValues), shape);
  expectClose(fromBuffer(y, batch, outputs), expected, F32_BOUND);
}

function randomQkv({ batch, tokens, heads, headSize }: Omit<ScoreShape, 'scale'>, scale = 2) {
  return random(batch * tokens * 3 * heads * headSize, 1, scale);
}

/** A bias table with numbers that matter, for a grid of patches behind a class token. */
function relativeBias(grid: [number, number], heads: number) {
  return { table: random(((2 * grid[0] - 1) * (2 * grid[1] - 1) + 3) * heads, 7, 3), grid };
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
      const shape = { batch, tokens, heads, headSize, scale: headSize ** -0.5 };
      return compare(shape, randomQkv(shape));
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

  for (const tokens of [1, 7, 77]) {
    test(`${tokens} tokens that see only those before them`, () => {
      const shape = { batch: 2, tokens, heads: 2, headSize: 18, scale: 0.3, causal: true };
      return compare(shape, randomQkv(shape));
    });
  }

  test('a causal mask hides what comes later, whatever it is', async () => {
    const shape = { batch: 1, tokens: 9, heads: 1, headSize: 4, scale: 1, causal: true };
    const qkv = randomQkv(shape);
    const changed = qkv.map((value, i) => (i < 6 * 12 ? value : value + 5));
    expectClose((await run(shape, changed)).subarray(0, 6 * 4), (await run(shape, qkv)).subarray(0, 6 * 4), 0);
  });

  for (const grid of [
    [14, 14],
    [3, 5],
    [7, 1],
    [1, 1],
  ] as [number, number][]) {
    test(`relative position bias of ${grid.join(' x ')} patches`, () => {
      const shape = { batch: 2, tokens: 1 + grid[0] * grid[1], heads: 3, headSize: 18, scale: 0.25 };
      return compare({ ...shape, relative: relativeBias(grid, 3) }, randomQkv(shape, 1));
    });
  }

  for (const [batch, tokens, heads, headSize] of [
    [2, 16, 3, 16],
    [3, 33, 2, 18],
    [1, 1, 1, 5],
  ]) {
    test(`one query for ${batch} images of ${tokens} tokens, ${heads} heads of ${headSize}`, () =>
      compareShared({ batch, tokens, heads, headSize, scale: headSize ** -0.5 }));
  }

  for (const first of [1, 4, 9, 32]) {
    test(`one query that sees the tokens from ${first} on`, () =>
      compareShared({ batch: 3, tokens: 33, heads: 2, headSize: 18, scale: 0.3, first }));
  }

  for (const [title, options] of [
    ['plain', {}],
    ['causal', { causal: true }],
    ['relative position bias', { relative: relativeBias([5, 6], 2) }],
  ] as [string, Partial<ScoreShape>][]) {
    test(`the same as scores, softmax and values one after the other: ${title}`, async () => {
      const shape: ScoreShape = { batch: 2, tokens: 31, heads: 2, headSize: 18, scale: 0.25, ...options };
      const qkv = randomQkv(shape, 1);
      const [queries, tokens] = [2 * 2 * 31, 2 * 31];
      const columns = new Columns(31);
      const outputs = new Columns(36, 2);
      const x = toBuffer(qkv, tokens, new Columns(3 * 36, 6));
      const table = shape.relative ? packBiasTable(shape.relative.table, 2) : x;
      const scores = await runKernel(
        attentionScores({ ...shape, grid: shape.relative?.grid }),
        [x, table, emptyBuffer(queries, columns)],
        queries,
      );
      const weights = await runKernel(softmax({ columns: 31 }), [scores, emptyBuffer(queries, columns)], queries);
      const y = await runKernel(attentionValues(shape), [weights, x, emptyBuffer(tokens, outputs)], tokens);
      expectClose(await run(shape, qkv), fromBuffer(y, tokens, outputs), F32_BOUND);
    });
  }

  for (const entry of ['tiled', 'subgroups'] as const) {
    describe.skipIf(entry === 'subgroups' && !features.has('subgroups'))(entry, () => {
      const tiling = { entry };
      for (const [batch, tokens, heads, headSize] of [
        [1, 197, 3, 64],
        [1, 1, 1, 1],
        [3, 5, 2, 18],
        [1, 67, 1, 16],
        [2, 34, 1, 72],
        [1, 50, 1, 80],
      ]) {
        test(`${batch} x ${tokens} tokens, ${heads} heads of ${headSize}`, () => {
          const shape = { batch, tokens, heads, headSize, scale: headSize ** -0.5 };
          return compare(shape, randomQkv(shape), tiling);
        });
      }

      test('tokens that see only those before them', () => {
        const shape = { batch: 2, tokens: 77, heads: 2, headSize: 18, scale: 0.3, causal: true };
        return compare(shape, randomQkv(shape, 8), tiling);
      });

      test('relative position bias', () => {
        const shape = { batch: 2, tokens: 36, heads: 3, headSize: 18, scale: 0.25 };
        return compare({ ...shape, relative: relativeBias([5, 7], 3) }, randomQkv(shape, 1), tiling);
      });

      test('one query for all images', () =>
        compareShared({ batch: 3, tokens: 33, heads: 2, headSize: 18, scale: 0.2 }, tiling));
    });
  }

  test('heads that a tile cannot hold are refused', () => {
    const sizes = { tokens: 5, heads: 1, scale: 1 };
    expect(() => attention({ ...sizes, headSize: 512 }, { entry: 'tiled' }, ALL_SHADERS)).not.toThrow();
    expect(() => attention({ ...sizes, headSize: 513 }, { entry: 'tiled' }, ALL_SHADERS)).toThrow(
      'four keys of 516 floats',
    );
  });

  test('attention-scores has the same function for the place of a bias', () => {
    const bias = (source: string) => /\/\/\/ Where the biases[\s\S]*?\n}\n/.exec(source)?.[0];
    expect(bias(attentionSource)).toBeTruthy();
    expect(bias(scoresSource)).toBe(bias(attentionSource));
  });
});

describe('attention on the CPU', () => {
  const step = {
    ...{ op: 'attention' as const, label: 'attention', input: 'x', output: 'y' },
    ...{ causal: false, relative: null, query: null },
  };
  for (const [batch, tokens, heads, headSize] of [
    [1, 197, 3, 64],
    [1, 1, 1, 1],
    [3, 5, 2, 18],
    [2, 31, 2, 16],
    [1, 64, 1, 72],
    [1, 257, 1, 80],
    [2, 50, 3, 5],
  ]) {
    const values: CpuCase['values'] = { x: [tokens, 3 * heads * headSize], y: [tokens, heads * headSize] };
    const scale = headSize ** -0.5;
    for (const causal of [false, true]) {
      test(`${batch} x ${tokens} tokens, ${heads} heads of ${headSize}${causal ? ', causal' : ''}`, () =>
        compareOnCpu({ step: { ...step, heads, scale, causal }, values, batch, scale: 2 }));
    }
  }

  test('scores of hundreds, where exponentials alone would overflow', () =>
    compareOnCpu({ step: { ...step, heads: 2, scale: 1 }, values: { x: [50, 96], y: [50, 32] }, scale: 6 }));

  for (const grid of [
    [4, 4],
    [3, 7],
    [1, 5],
  ] as [number, number][]) {
    const tokens = grid[0] * grid[1] + 1;
    test(`biases of a grid of ${grid}`, () =>
      compareOnCpu({
        step: { ...step, heads: 3, scale: 0.25, relative: { table: 't', grid } },
        values: { x: [tokens, 3 * 48], y: [tokens, 48] },
        tensors: { t: relativeBias(grid, 3).table },
      }));
  }

  for (const [tokens, heads, headSize] of [
    [197, 3, 64],
    [5, 2, 18],
  ]) {
    const width = heads * headSize;
    test(`one query for all images, ${tokens} tokens, ${heads} heads of ${headSize}`, () =>
      compareOnCpu({
        step: {
          ...{ ...step, heads, scale: headSize ** -0.5 },
          query: { latent: 'l', projection: { weight: 'w', bias: 'b' }, first: 0 },
        },
        values: { x: [tokens, 2 * width], y: [1, width] },
        tensors: { l: random(width, 2), w: random(width * width, 3, 2 / Math.sqrt(width)), b: random(width, 4) },
        batch: 3,
        scale: 2,
      }));

    test(`a query of its own that sees the tokens from 3 on, ${tokens} tokens, ${heads} heads of ${headSize}`, () =>
      compareOnCpu({
        step: { ...step, heads, scale: headSize ** -0.5, query: { latent: 'l', projection: null, first: 3 } },
        values: { x: [tokens, 2 * width], y: [1, width] },
        tensors: { l: random(width, 2) },
        batch: 3,
        scale: 2,
      }));
  }
});
