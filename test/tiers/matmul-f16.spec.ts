/**
 * Weights stored in f16. Chrome's software driver has none. The weights are numbers that f16 holds, so that nothing but
 * products and sums in f32 comes within the bound.
 */
import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { DIRECT, type MatmulTiling } from '../../src/kernels/matmul.ts';
import { testGpu } from '../harness/gpu.ts';
import { compareMatmul, compareSwiglu } from '../harness/matmul.ts';

const { features } = (await testGpu()).device;
const storage = 'f16';
/** The design's, where what is multiplied is f16. */
const F16_BOUND = 2e-3;

const TILINGS: MatmulTiling[] = [
  DIRECT,
  { entry: 'split', splits: 4 },
  { entry: 'staged', threadRows: 8 },
  { entry: 'subgroups' },
];

describe.skipIf(process.env.VIT_ADAPTER === 'gpu' && !features.has('shader-f16'))('matmul with weights in f16', () => {
  for (const tiling of TILINGS) {
    const missing = process.env.VIT_ADAPTER === 'gpu' && tiling.entry === 'subgroups' && !features.has('subgroups');
    describe.skipIf(missing)(tiling.entry, () => {
      for (const [rows, inputs, outputs] of [
        [5, 768, 576],
        [31, 64, 61],
      ]) {
        test(`${rows} rows, ${inputs} to ${outputs}`, () =>
          compareMatmul({ rows, inputs: new Columns(inputs), outputs: new Columns(outputs), tiling, storage }));
      }
      test('swiglu', () => compareSwiglu({ rows: 17, inputs: 64, width: 50, scale: 1, tiling, storage }));
    });
  }

  describe('half: what is multiplied is rounded, sums are not', () => {
    const tiling: MatmulTiling = { entry: 'half' };
    for (const [rows, inputs, outputs] of [
      [5, 768, 576],
      [31, 64, 61],
      [1, 197, 13],
    ]) {
      test(`${rows} rows, ${inputs} to ${outputs}`, () => {
        const columns = { inputs: new Columns(inputs), outputs: new Columns(outputs) };
        return compareMatmul({ rows, ...columns, tiling, storage, bound: F16_BOUND });
      });
    }
    test('gelu, added to what is there', () => {
      const columns = { inputs: new Columns(192), outputs: new Columns(96) };
      const what = { activation: 'gelu', accumulate: true } as const;
      return compareMatmul({ rows: 37, ...columns, ...what, tiling, storage, bound: F16_BOUND });
    });
  });
});
