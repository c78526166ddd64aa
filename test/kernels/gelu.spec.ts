import { describe, expect, test } from 'vitest';
import geluSource from '../../shaders/gelu.wgsl?raw';
import matmulSource from '../../shaders/matmul.wgsl?raw';
import { gelu } from '../../src/kernels/gelu.ts';
import { gelu as reference } from '../../src/reference/gelu.ts';
import { expectClose, F32_BOUND } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

describe('gelu', () => {
  test('from -30 to 30, in steps that are no round numbers', async () => {
    const x = Float32Array.from({ length: 4096 }, (_, i) => (i - 2048) / 68.3);
    const y = await runKernel(gelu(), [x, new Float32Array(x.length)], x.length);
    const expected = Float64Array.from(x);
    reference(expected);
    expectClose(y, expected, F32_BOUND);
  });

  test('the matmul has the same two functions in its epilogue', () => {
    const functions = (source: string) => /\/\/\/ erf to[\s\S]*?\nfn gelu\([\s\S]*?\n}\n/.exec(source)?.[0];
    expect(functions(geluSource)).toBeTruthy();
    expect(functions(matmulSource)).toBe(functions(geluSource));
  });
});

describe('gelu on the CPU', () => {
  test('from -30 to 30, behind a product with 1', () =>
    compareOnCpu({
      step: {
        ...{ op: 'matmul', label: 'gelu', input: 'x', output: 'y', weight: 'w', bias: null },
        ...{ gamma: null, activation: 'gelu', accumulate: false },
      },
      values: { x: [4096, 1], y: [4096, 1] },
      tensors: { w: Float32Array.of(1) },
      batch: 1,
      scale: 30,
    }));
});
