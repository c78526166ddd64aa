import { describe, expect, test } from 'vitest';
import { Columns, packVector } from '../../src/gpu/columns.ts';
import { DIRECT, type MatmulTiling, matmul, packWeight, SwigluColumns, scaleWeight } from '../../src/kernels/matmul.ts';
import { matmul as reference } from '../../src/reference/matmul.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel, testGpu } from '../harness/gpu.ts';
import { compareMatmul as compare, compareSwiglu, NO_NORM } from '../harness/matmul.ts';

const { features } = (await testGpu()).device;

const TILINGS: MatmulTiling[] = [
  DIRECT,
  { entry: 'split', splits: 4 },
  { entry: 'split', splits: 8 },
  { entry: 'staged', threadRows: 4 },
  { entry: 'staged', threadRows: 8 },
  { entry: 'subgroups' },
];

const SHAPES = [
  [1, 192, 576],
  [197, 192, 768],
  [197, 768, 192],
  [8, 4, 4],
  [31, 127, 61],
  [2, 1, 1],
  [65, 50, 12],
  [3, 4096, 20],
];

/** For what compiles slowly. */
const AWKWARD = SHAPES.filter(([rows, inputs]) => rows === 1 || inputs === 127);

describe('matmul', () => {
  for (const tiling of TILINGS) {
    const { splits, threadRows } = { splits: undefined, threadRows: undefined, ...tiling };
    const missing = tiling.entry === 'subgroups' && !features.has('subgroups');
    describe.skipIf(missing)([tiling.entry, splits ?? threadRows ?? ''].join(' ').trim(), () => {
      for (const [rows, inputs, outputs] of tiling === DIRECT ? SHAPES : AWKWARD) {
        const columns = new Columns(inputs);
        if ((columns.stride / 4) % (splits ?? 1) !== 0) continue;
        test(`${rows} rows, ${inputs} to ${outputs}`, () =>
          compare({ rows, inputs: columns, outputs: new Columns(outputs), tiling }));
      }

      test('gelu, no bias, added to what is there, heads of 18', () =>
        compare({
          rows: 37,
          inputs: new Columns(64),
          outputs: new Columns(162, 9),
          bias: false,
          activation: 'gelu',
          accumulate: true,
          tiling,
        }));

      for (const bits of [8, 4] as const) {
        test(`weights of ${bits} bits`, async () => {
          const norm = tiling.entry === 'staged' ? { normOf: 1 } : {};
          await compare({ rows: 21, inputs: new Columns(64), outputs: new Columns(162, 9), tiling, bits, ...norm });
          await compareSwiglu({ rows: 17, inputs: 96, width: 50, scale: 1, tiling, bits });
          // Rows that are no whole groups, nor whole vectors.
          if (bits === 8 && !splits)
            await compare({ rows: 3, inputs: new Columns(51), outputs: new Columns(13), tiling, bits });
        });
      }

      test('swiglu', () => compareSwiglu({ rows: 17, inputs: 64, width: 50, scale: 1, tiling }));
    });
  }

  describe('with LayerNorm', () => {
    for (const threadRows of [4, 8]) {
      for (const [rows, inputs, outputs] of AWKWARD.slice(threadRows === 8 ? 0 : 1)) {
        test(`${rows} rows, ${inputs} to ${outputs}, ${threadRows} rows per thread`, () =>
          compare({
            rows,
            inputs: new Columns(inputs),
            outputs: new Columns(outputs),
            tiling: { entry: 'staged', threadRows },
            normOf: 0,
          }));
      }
    }
    test('of rows whose mean is a hundred deviations away', () =>
      compare({
        rows: 11,
        inputs: new Columns(190),
        outputs: new Columns(40),
        tiling: { entry: 'staged', threadRows: 8 },
        normOf: 58,
      }));
  });

  test('sizes that a tiling cannot take are refused', () => {
    const sizes = { inputs: 12, outputs: 8, bias: true, activation: null, accumulate: false };
    expect(() => matmul(sizes, { entry: 'split', splits: 2 })).toThrow('2 threads cannot share 3 blocks');
    expect(() => matmul({ ...sizes, norm: { columns: 12, epsilon: 1e-6 } })).toThrow('no LayerNorm');
  });

  test('without bias', () => compare({ rows: 9, inputs: new Columns(24), outputs: new Columns(40), bias: false }));

  test('adds to what is there', () =>
    compare({ rows: 17, inputs: new Columns(48), outputs: new Columns(48), accumulate: true }));

  for (const activation of ['gelu', 'gelu_tanh', 'quick_gelu', 'relu', 'tanh'] as const) {
    test(`${activation} in the epilogue`, () =>
      compare({ rows: 10, inputs: new Columns(36), outputs: new Columns(52), activation }));
  }

  test('activates before it adds', () =>
    compare({ rows: 5, inputs: new Columns(16), outputs: new Columns(16), activation: 'gelu', accumulate: true }));

  test('heads of 18, padded to 20, as outputs and as inputs', async () => {
    await compare({ rows: 10, inputs: new Columns(54), outputs: new Columns(162, 9) });
    await compare({ rows: 10, inputs: new Columns(54, 3), outputs: new Columns(54) });
  });

  for (const [rows, inputs, width, scale] of [
    [17, 48, 128, 1],
    [5, 36, 50, 1],
    [3, 7, 1, 1],
    [2, 16, 6, 60],
  ]) {
    test(`swiglu, ${inputs} to 2 x ${width}, gates up to about ${scale}`, () =>
      compareSwiglu({ rows, inputs, width, scale, tiling: DIRECT }));
  }

  for (const activation of ['quick_gelu', 'swiglu'] as const) {
    test(`${activation} of numbers whose exponential would overflow`, async () => {
      // 1 input, weight 1: the sums are x itself, far beyond ±88.
      const x = Float32Array.from([-3000, -500, -90, 90, 500]);
      const [inputs, halves] = [new Columns(1), new SwigluColumns(1)];
      const outputs = activation === 'swiglu' ? halves : inputs;
      const operands = [
        toBuffer(x, 5, inputs),
        packWeight(new Float32Array(outputs.count).fill(1), inputs, outputs),
        new Float32Array(outputs.stride),
        NO_NORM,
        emptyBuffer(5, inputs),
      ];
      const sizes = { inputs: 4, outputs: outputs.stride, bias: true, accumulate: false };
      const y = await runKernel(matmul({ ...sizes, activation }), operands, 5);
      const expected = [...x].map((value) => Math.max(value, 0) * (activation === 'swiglu' ? value : 1));
      expectClose(fromBuffer(y, 5, inputs), expected, F32_BOUND);
    });
  }

  test('each output multiplied by its own factor while packing', async () => {
    const [rows, inputs, outputs] = [9, new Columns(24), new Columns(13)];
    const x = random(rows * 24, 1);
    const weight = random(13 * 24, 2, 0.2);
    const bias = random(13, 3);
    const gamma = random(13, 4);
    const packed = packWeight(weight, inputs, outputs);
    scaleWeight(packed, gamma, inputs, outputs);
    const scaledBias = bias.map((value, i) => value * gamma[i]);
    const operands = [
      toBuffer(x, rows, inputs),
      packed,
      packVector(scaledBias, outputs),
      NO_NORM,
      emptyBuffer(rows, outputs),
    ];
    const sizes = { inputs: inputs.stride, outputs: outputs.stride, bias: true, accumulate: false };
    const y = await runKernel(matmul({ ...sizes, activation: null }), operands, rows);
    const expected = reference(Float64Array.from(x), weight, bias, { rows, inputs: 24, outputs: 13 });
    for (let i = 0; i < expected.length; i++) expected[i] *= gamma[i % 13];
    expectClose(fromBuffer(y, rows, outputs), expected, F32_BOUND);
  });
});

describe('matmul on the CPU', () => {
  const linear = {
    ...{ op: 'matmul' as const, label: 'matmul', input: 'x', output: 'y', weight: 'w', bias: 'b' },
    ...{ gamma: null, activation: null, accumulate: false },
  };
  const sizes = (rows: number, inputs: number, outputs: number) => ({
    values: { x: [rows, inputs], y: [rows, outputs] } as Record<string, [number, number]>,
    tensors: { w: random(outputs * inputs, 2, 1 / Math.sqrt(inputs)), b: random(outputs, 3), g: random(outputs, 5) },
  });

  for (const [rows, inputs, outputs] of SHAPES) {
    for (const storage of ['f32', 'f16'] as const) {
      test(`${rows} rows, ${inputs} to ${outputs}, ${storage}`, () =>
        compareOnCpu({ step: linear, ...sizes(rows, inputs, outputs), storage, batch: 1 }));
    }
  }

  for (const activation of ['gelu', 'gelu_tanh', 'quick_gelu', 'relu', 'tanh'] as const) {
    test(`${activation} of numbers small and large`, () =>
      compareOnCpu({ step: { ...linear, activation }, ...sizes(13, 61, 37), scale: 12 }));
  }

  test('without bias, gelu, layer scale, added to what is there', () =>
    compareOnCpu({
      step: { ...linear, bias: null, activation: 'gelu', gamma: 'g', accumulate: true },
      ...sizes(37, 64, 162),
    }));

  test('swiglu whose halves begin within a panel', () =>
    compareOnCpu({
      step: { ...linear, activation: 'swiglu' },
      values: { x: [17, 64], y: [17, 50] },
      tensors: { w: random(100 * 64, 2, 1 / 4), b: random(100, 3) },
    }));

  for (const [rows, inputs, outputs] of [
    [1, 192, 576],
    [197, 64, 61],
    [31, 127, 61],
  ]) {
    for (const bits of [8, 4] as const) {
      if (bits === 4 && inputs % 32) continue;
      test(`${rows} rows, ${inputs} to ${outputs}, ${bits} bits`, () =>
        compareOnCpu({
          ...{ step: linear, ...sizes(rows, inputs, outputs), storage: 'f16', batch: 1 },
          few: { w: { bits, rows: outputs } },
        }));
    }
  }

  test.each([8, 4] as const)('swiglu in %i bits, whose halves begin within a panel', (bits) =>
    compareOnCpu({
      step: { ...linear, activation: 'swiglu' },
      values: { x: [17, 64], y: [17, 50] },
      tensors: { w: random(100 * 64, 2, 1 / 4), b: random(100, 3) },
      few: { w: { bits, rows: 100 } },
    }),
  );
});
