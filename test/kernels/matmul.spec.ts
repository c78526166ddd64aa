import { describe, test } from 'vitest';
import { Columns, packVector } from '../../src/gpu/columns.ts';
import { matmul, packWeight } from '../../src/kernels/matmul.ts';
import type { Activation } from '../../src/model/architecture.ts';
import { activate } from '../../src/reference/activation.ts';
import { matmul as reference } from '../../src/reference/matmul.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { runKernel } from '../harness/gpu.ts';

interface Case {
  rows: number;
  inputs: Columns;
  outputs: Columns;
  bias?: boolean;
  activation?: Activation | null;
  accumulate?: boolean;
}

async function compare({ rows, inputs, outputs, bias = true, activation = null, accumulate = false }: Case) {
  const x = random(rows * inputs.count, 1);
  const weight = random(outputs.count * inputs.count, 2, 1 / Math.sqrt(inputs.count));
  const biases = bias ? random(outputs.count, 3) : new Float32Array(outputs.count);
  const before = random(rows * outputs.count, 4);
  const packed = packWeight(weight, inputs, outputs);
  const kernel = matmul({ inputs: inputs.stride, outputs: outputs.stride, bias, activation, accumulate });
  const y = await runKernel(
    kernel,
    [
      toBuffer(x, rows, inputs),
      packed,
      // Without a bias any buffer may be bound: numbers that would show if they were read.
      bias ? packVector(biases, outputs) : random(outputs.stride, 5),
      accumulate ? toBuffer(before, rows, outputs) : emptyBuffer(rows, outputs),
    ],
    rows,
  );
  const shape = { rows, inputs: inputs.count, outputs: outputs.count };
  const expected = reference(Float64Array.from(x), weight, biases, shape);
  activate(expected, activation);
  if (accumulate) for (let i = 0; i < expected.length; i++) expected[i] += before[i];
  expectClose(fromBuffer(y, rows, outputs), expected, F32_BOUND);
}

describe('matmul', () => {
  for (const [rows, inputs, outputs] of [
    [1, 192, 576],
    [197, 192, 768],
    [197, 768, 192],
    [8, 4, 4],
    [31, 127, 61],
    [2, 1, 1],
    [65, 50, 12],
    [3, 4096, 20],
  ]) {
    test(`${rows} rows, ${inputs} to ${outputs}`, () =>
      compare({ rows, inputs: new Columns(inputs), outputs: new Columns(outputs) }));
  }

  test('without bias', () => compare({ rows: 9, inputs: new Columns(24), outputs: new Columns(40), bias: false }));

  test('adds to what is there', () =>
    compare({ rows: 17, inputs: new Columns(48), outputs: new Columns(48), accumulate: true }));

  for (const activation of ['gelu', 'gelu_tanh', 'quick_gelu', 'relu'] as const) {
    test(`${activation} in the epilogue`, () =>
      compare({ rows: 10, inputs: new Columns(36), outputs: new Columns(52), activation }));
  }

  test('activates before it adds', () =>
    compare({ rows: 5, inputs: new Columns(16), outputs: new Columns(16), activation: 'gelu', accumulate: true }));

  test('heads of 18, padded to 20, as outputs and as inputs', async () => {
    await compare({ rows: 10, inputs: new Columns(54), outputs: new Columns(162, 9) });
    await compare({ rows: 10, inputs: new Columns(54, 3), outputs: new Columns(54) });
  });
});
