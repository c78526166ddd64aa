import { describe, test } from 'vitest';
import { Columns, packVector } from '../../src/gpu/columns.ts';
import { layerNorm } from '../../src/kernels/layer-norm.ts';
import { headNorm } from '../../src/reference/head-norm.ts';
import { layerNorm as reference } from '../../src/reference/layer-norm.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

/** Weight and bias of one norm or more, one after the other. */
function affine(columns: Columns, ...vectors: Float32Array[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(vectors.flatMap((vector) => [...packVector(vector, columns)]));
}

describe('layer-norm', () => {
  for (const [rows, width] of [
    [1, 192],
    [197, 192],
    [13, 1],
    [7, 18],
    [5, 127],
    [3, 1280],
  ]) {
    test(`${rows} rows of ${width}`, async () => {
      const columns = new Columns(width);
      const x = random(rows * width, 1, 5);
      const weight = random(width, 2);
      const bias = random(width, 3);
      const operands = [toBuffer(x, rows, columns), affine(columns, weight, bias), emptyBuffer(rows, columns)];
      const y = await runKernel(layerNorm({ columns: width, epsilon: 1e-6 }), operands, rows);
      const expected = reference(Float64Array.from(x), weight, bias, { rows, columns: width, epsilon: 1e-6 });
      expectClose(fromBuffer(y, rows, columns), expected, F32_BOUND);
    });
  }

  test('leaves the padding zero', async () => {
    const columns = new Columns(18);
    const operands = [
      toBuffer(random(18, 1), 1, columns),
      affine(columns, random(18, 2), random(18, 3)),
      emptyBuffer(1, columns),
    ];
    const y = await runKernel(layerNorm({ columns: 18, epsilon: 1e-6 }), operands, 1);
    expectClose(y.subarray(18, 20), [0, 0], 0);
  });

  test('a mean of 1000 costs no digits of the variance', async () => {
    const [rows, width] = [4, 192];
    const columns = new Columns(width);
    const x = random(rows * width, 4).map((value) => value + 1000);
    const weight = new Float32Array(width).fill(1);
    const bias = new Float32Array(width);
    const operands = [toBuffer(x, rows, columns), affine(columns, weight, bias), emptyBuffer(rows, columns)];
    const y = await runKernel(layerNorm({ columns: width, epsilon: 1e-6 }), operands, rows);
    const expected = reference(Float64Array.from(x), weight, bias, { rows, columns: width, epsilon: 1e-6 });
    // f32 has 6e-5 between neighbours at 1000, and the mean itself is rounded to that. E[x²] - E[x]² would be off by 0.1.
    expectClose(fromBuffer(y, rows, columns), expected, 1e-4);
  });

  for (const token of [0, 1, 8]) {
    test(`row ${token} of every nine, as one token of each image lies`, async () => {
      const [images, tokens, width] = [3, 9, 48];
      const columns = new Columns(width);
      const x = random(images * tokens * width, 5);
      const weight = random(width, 6);
      const bias = random(width, 7);
      const operands = [
        toBuffer(x, images * tokens, columns),
        affine(columns, weight, bias),
        emptyBuffer(images, columns),
      ];
      const y = await runKernel(
        layerNorm({ columns: width, epsilon: 1e-6, rowStep: tokens, firstRow: token }),
        operands,
        images,
      );
      const shape = { rows: images, columns: width, epsilon: 1e-6, rowStride: tokens * width, first: token * width };
      expectClose(fromBuffer(y, images, columns), reference(Float64Array.from(x), weight, bias, shape), F32_BOUND);
    });
  }

  for (const lanes of [1, 4, 64]) {
    describe(`${lanes} threads per row`, () => {
      for (const [images, rowStep, firstRow, width] of [
        [11, 1, 0, 100],
        [1, 1, 0, 1],
        [3, 5, 2, 190],
      ]) {
        test(`${images} rows of ${width}, row ${firstRow} of every ${rowStep}`, async () => {
          const columns = new Columns(width);
          const rows = images * rowStep;
          // So far from zero that a padding that counted would show.
          const x = random(rows * width, 8, 5).map((value) => value + 7);
          const weight = random(width, 9);
          const bias = random(width, 10);
          const operands = [toBuffer(x, rows, columns), affine(columns, weight, bias), emptyBuffer(images, columns)];
          const sizes = { columns: width, epsilon: 1e-6, rowStep, firstRow };
          const y = await runKernel(layerNorm(sizes, { lanes }), operands, images);
          const shape = {
            rows: images,
            columns: width,
            epsilon: 1e-6,
            rowStride: rowStep * width,
            first: firstRow * width,
          };
          const expected = reference(Float64Array.from(x), weight, bias, shape);
          expectClose(fromBuffer(y, images, columns), expected, F32_BOUND);
        });
      }

      test('a root mean square, added to what y holds, of heads that are padded each', async () => {
        const [rows, heads, size] = [7, 3, 18];
        const columns = new Columns(heads * size, heads);
        const x = random(rows * columns.count, 11, 5).map((value) => value + 7);
        const weight = random(columns.count, 12);
        const before = random(rows * columns.count, 13);
        const operands = [
          toBuffer(x, rows, columns),
          affine(columns, weight, new Float32Array(columns.count)),
          toBuffer(before, rows, columns),
        ];
        const sizes = {
          columns: columns.count,
          groups: heads,
          epsilon: 1e-5,
          norm: 'rms',
          accumulate: true,
        } as const;
        const y = await runKernel(layerNorm(sizes, { lanes }), operands, rows);
        const shape = { rows, columns: columns.count, epsilon: 1e-5, norm: 'rms' } as const;
        const expected = reference(Float64Array.from(x), weight, null, shape).map((value, i) => value + before[i]);
        expectClose(fromBuffer(y, rows, columns), expected, F32_BOUND);
      });

      test('every head of Q and of K by itself, and V as it is', async () => {
        const [rows, heads, size] = [5, 3, 18];
        const columns = new Columns(3 * heads * size, 3 * heads);
        const head = new Columns(size);
        const qkv = random(rows * columns.count, 14, 5).map((value) => value + 7);
        const norms = [15, 17].map((seed) => ({ weight: random(size, seed), bias: random(size, seed + 1) }));
        const packed = affine(head, ...norms.flatMap(({ weight, bias }) => [weight, bias]));
        const operands = [toBuffer(qkv, rows, columns), packed, emptyBuffer(rows, columns)];
        const period = { rows: 3 * heads, second: heads, end: 2 * heads };
        const kernel = layerNorm({ columns: size, epsilon: 1e-6, period }, { lanes });
        const y = await runKernel(kernel, operands, 3 * heads * rows);
        const shape = { heads, headSize: size, norm: 'layer', epsilon: 1e-6 } as const;
        expectClose(fromBuffer(y, rows, columns), headNorm(Float64Array.from(qkv), norms, shape), F32_BOUND);
      });
    });
  }

  test('more rows than one dimension of a grid allows', async () => {
    const [rows, width] = [4 * 65_536 + 1, 1];
    const columns = new Columns(width);
    const x = random(rows, 19, 5);
    const [weight, bias] = [random(width, 20), random(width, 21)];
    const operands = [toBuffer(x, rows, columns), affine(columns, weight, bias), emptyBuffer(rows, columns)];
    const sizes = { columns: width, epsilon: 1e-6, norm: 'rms' } as const;
    const y = await runKernel(layerNorm(sizes), operands, rows);
    const expected = reference(Float64Array.from(x), weight, bias, { rows, ...sizes });
    expectClose(fromBuffer(y, rows, columns), expected, F32_BOUND);
  });
});

describe('layer-norm on the CPU', () => {
  const step = {
    ...{ op: 'layer-norm' as const, label: 'norm', input: 'x', output: 'y', weight: 'w', bias: 'b' },
    ...{ norm: 'layer' as const, epsilon: 1e-6, token: null as number | null, others: null, accumulate: false },
  };
  for (const [rows, width] of [
    [1, 192],
    [197, 192],
    [13, 1],
    [7, 18],
    [5, 127],
    [3, 1280],
  ]) {
    test(`${rows} rows of ${width}`, () =>
      compareOnCpu({
        step,
        values: { x: [rows, width], y: [rows, width] },
        tensors: { w: random(width, 2), b: random(width, 3) },
        scale: 5,
      }));
  }

  test('a mean of 1000 costs no digits of the variance', () =>
    compareOnCpu({
      step,
      values: { x: [4, 192], y: [4, 192] },
      tensors: { w: new Float32Array(192).fill(1), b: new Float32Array(192) },
      offset: 1000,
      // As above: f32 has 6e-5 between neighbours at 1000.
      bound: 1e-4,
    }));

  for (const token of [0, 1, 8]) {
    test(`token ${token} of each image`, () =>
      compareOnCpu({
        step: { ...step, token },
        values: { x: [9, 50], y: [1, 50] },
        tensors: { w: random(50, 2), b: random(50, 3) },
        batch: 3,
      }));
  }

  test('a root mean square, added to what y holds', () =>
    compareOnCpu({
      step: { ...step, norm: 'rms', bias: null, accumulate: true },
      values: { x: [7, 50], y: [7, 50] },
      tensors: { w: random(50, 2) },
      offset: 7,
    }));

  test('other weights from the third token of each image on', () =>
    compareOnCpu({
      step: { ...step, others: { weight: 'v', bias: 'c', first: 2 } },
      values: { x: [9, 50], y: [9, 50] },
      tensors: { w: random(50, 2), b: random(50, 3), v: random(50, 4), c: random(50, 5) },
      batch: 3,
    }));

  for (const norm of ['layer', 'rms'] as const) {
    const bias = (name: string) => (norm === 'layer' ? name : null);
    test(`${norm} of every head of Q and of K by itself, and V as it is`, () =>
      compareOnCpu({
        step: {
          ...{ op: 'head-norm', label: 'norm', input: 'x', output: 'y', heads: 3, norm, epsilon: 1e-6 },
          query: { weight: 'q', bias: bias('qb') },
          key: { weight: 'k', bias: bias('kb') },
        },
        values: { x: [5, 3 * 3 * 18], y: [5, 3 * 3 * 18] },
        tensors: { q: random(18, 2), qb: random(18, 3), k: random(18, 4), kb: random(18, 5) },
        offset: 7,
      }));
  }
});
