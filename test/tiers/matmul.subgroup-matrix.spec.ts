/**
 * The matmul whose products are matrices of a subgroup. Chrome's software driver has none.
 */
import { describe, expect, test } from 'vitest';
import { BASELINE_CAPABILITIES, type Capabilities } from '../../src/gpu/capabilities.ts';
import { Columns } from '../../src/gpu/columns.ts';
import {
  type MatmulTiling,
  matmulVariants,
  type SubgroupMatrix,
  type WeightStorage,
} from '../../src/kernels/matmul.ts';
import { testGpu } from '../harness/gpu.ts';
import { compareMatmul, compareSwiglu } from '../harness/matmul.ts';

/** The design's, where storage is f16: rounding x to it is off by 5e-4 of each number. */
const F16_BOUND = 2e-3;

/** Of the variants that a GPU is offered; null where none of them has matrices. */
function matrixOf(capabilities: Capabilities, storage: WeightStorage): SubgroupMatrix | null {
  const variants = matmulVariants({ inputs: 64, storage }, capabilities);
  return variants.map((tiling) => (tiling.entry === 'matrix' ? tiling.matrix : null)).find(Boolean) ?? null;
}

const matrix = matrixOf((await testGpu()).capabilities, 'f16');

describe.skipIf(process.env.VIT_ADAPTER === 'gpu' && !matrix)('matmul of subgroup matrices', () => {
  const tiling: MatmulTiling = { entry: 'matrix', matrix: matrix as SubgroupMatrix };
  const storage = 'f16';

  test('there are matrices of f16 that sum in f32', () => expect(matrix).not.toBeNull());

  // Few: each compiles for seconds.
  for (const [rows, inputs, outputs] of [
    [31, 127, 61],
    [65, 50, 12],
  ]) {
    test(`${rows} rows, ${inputs} to ${outputs}`, () =>
      compareMatmul({ rows, inputs: new Columns(inputs), outputs: new Columns(outputs), tiling, storage }));
  }

  test('x that f16 does not hold, 197 rows, 192 to 200', () => {
    const [inputs, outputs] = [new Columns(192), new Columns(200)];
    return compareMatmul({ rows: 197, inputs, outputs, tiling, storage, bound: F16_BOUND });
  });

  test('gelu, no bias, added to what is there, heads of 18', () =>
    compareMatmul({
      rows: 37,
      inputs: new Columns(64),
      outputs: new Columns(162, 9),
      bias: false,
      activation: 'gelu',
      accumulate: true,
      tiling,
      storage,
    }));

  test('subgroups smaller than the largest that the adapter names, added to what is there', () => {
    const { lanes } = matrix!;
    const inputs = new Columns(40);
    const smaller: MatmulTiling = { entry: 'matrix', matrix: { ...matrix!, lanes: 4 * lanes } };
    return compareMatmul({ rows: 70, inputs, outputs: new Columns(72), accumulate: true, tiling: smaller, storage });
  });

  test('swiglu', () => compareSwiglu({ rows: 17, inputs: 64, width: 50, scale: 1, tiling, storage }));
});

describe('which matrices are taken', () => {
  const config = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
  const having = (matrices: (typeof config)[], lanes = 32) => ({
    ...BASELINE_CAPABILITIES,
    subgroups: true,
    f16: true,
    matrices,
    lanes,
  });

  test('those of the stored type that sum in f32', () => {
    const others = [
      { ...config, resultComponentType: 'f16' },
      { ...config, componentType: 'f32', K: 8 },
      { ...config, componentType: 'i8', resultComponentType: 'i32' },
    ];
    expect(matrixOf(having([...others, config]), 'f16')).toEqual({ M: 16, N: 16, K: 16, lanes: 32 });
    expect(matrixOf(having([...others, config]), 'f32')).toEqual({ M: 16, N: 16, K: 8, lanes: 32 });
    expect(matrixOf(having([others[0]]), 'f16')).toBeNull();
  });

  test('those that divide a tile, on subgroups of which four make a workgroup', () => {
    expect(matrixOf(having([{ ...config, M: 24 }]), 'f16')).toBeNull();
    expect(matrixOf(having([{ ...config, N: 4 }]), 'f16')).toBeNull();
    expect(matrixOf(having([{ ...config, K: 64 }]), 'f16')).toBeNull();
    expect(matrixOf(having([config], 128), 'f16')).toBeNull();
    expect(matrixOf(having([]), 'f16')).toBeNull();
  });
});
