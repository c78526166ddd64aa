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
});
