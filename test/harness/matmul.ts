/**
 * A linear layer on the GPU and in float64: random x, weight, bias, and what is there before.
 */
import { expect } from 'vitest';
import { dequantise, I4, I8 } from '../../src/convert/quantise.ts';
import { fewBits } from '../../src/engine/run/few-bit-weights.ts';
import { type ColumnLayout, Columns, packVector } from '../../src/gpu/columns.ts';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import { FEW_BIT_SHADERS } from '../../src/kernels/few-bits.ts';
import {
  DIRECT,
  type MatmulTiling,
  matmul,
  packWeight,
  SwigluColumns,
  type WeightStorage,
} from '../../src/kernels/matmul.ts';
import type { Activation } from '../../src/model/layers.ts';
import { activate, swiglu } from '../../src/reference/activation.ts';
import { layerNorm } from '../../src/reference/layer-norm.ts';
import { matmul as reference } from '../../src/reference/matmul.ts';
import { decodeHalfs, encodeHalfs } from '../../src/weights/half.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from './arrays.ts';
import { runKernel } from './gpu.ts';

export interface MatmulCase {
  rows: number;
  inputs: Columns;
  outputs: Columns;
  bias?: boolean;
  activation?: Activation | 'tanh' | null;
  accumulate?: boolean;
  tiling?: MatmulTiling;
  /** x is this far from zero, and is to be normalised. */
  normOf?: number;
  storage?: WeightStorage;
  /** Of the weight. Default those of its storage. */
  bits?: 8 | 4;
  /** Of the design's bounds. Default that of f32, since weights are given that f16 holds exactly, and sums are f32. */
  bound?: number;
}

const SHADERS = { ...ALL_SHADERS, ...FEW_BIT_SHADERS };
const EPSILON = 1e-6;
/** Bound where there is no norm. */
export const NO_NORM = new Float32Array(4);

export async function compareMatmul({
  rows,
  inputs,
  outputs,
  bias = true,
  activation = null,
  accumulate = false,
  tiling = DIRECT,
  normOf,
  storage = 'f32',
  bits,
  bound = F32_BOUND,
}: MatmulCase) {
  const x = given(random(rows * inputs.count, 1), storage, bound);
  const numbers = given(random(outputs.count * inputs.count, 2, 1 / Math.sqrt(inputs.count)), storage, bound);
  const { weight, packed } = packedWeight(numbers, inputs, outputs, storage, bits);
  const biases = bias ? random(outputs.count, 3) : new Float32Array(outputs.count);
  const before = random(rows * outputs.count, 4);
  const gain = random(inputs.count, 6);
  const shift = random(inputs.count, 7);
  const norm = normOf === undefined ? null : { columns: inputs.count, epsilon: EPSILON };
  if (norm) for (let i = 0; i < x.length; i++) x[i] += normOf!;
  const sizes = { inputs: inputs.stride, outputs: outputs.stride, bias, activation, accumulate, norm, storage, bits };
  const kernel = matmul(sizes, tiling, SHADERS);
  const y = await runKernel(
    kernel,
    [
      toBuffer(x, rows, inputs),
      packed,
      // Without a bias any buffer may be bound: numbers that would show if they were read.
      bias ? packVector(biases, outputs) : random(outputs.stride, 5),
      norm ? Float32Array.from([...packVector(gain, inputs), ...packVector(shift, inputs)]) : random(8, 5),
      accumulate ? toBuffer(before, rows, outputs) : emptyBuffer(rows, outputs),
    ],
    rows,
  );
  const shape = { rows, inputs: inputs.count, outputs: outputs.count };
  const read = norm
    ? layerNorm(Float64Array.from(x), gain, shift, { rows, columns: inputs.count, epsilon: EPSILON })
    : Float64Array.from(x);
  const expected = reference(read, weight, biases, shape);
  activate(expected, activation);
  if (accumulate) for (let i = 0; i < expected.length; i++) expected[i] += before[i];
  expectClose(fromBuffer(y, rows, outputs), expected, bound);
}

/** Numbers as they are, or those next to them that f16 holds. */
function given(values: Float32Array<ArrayBuffer>, storage: WeightStorage, bound: number): Float32Array<ArrayBuffer> {
  return storage === 'f16' && bound === F32_BOUND ? decodeHalfs(encodeHalfs(values)) : values;
}

export interface SwigluCase {
  rows: number;
  inputs: number;
  width: number;
  /** Of x. */
  scale: number;
  tiling: MatmulTiling;
  storage?: WeightStorage;
  bits?: 8 | 4;
}

/** The weight's numbers as they are stored, and what is in its buffer. */
function packedWeight(
  numbers: Float32Array<ArrayBuffer>,
  inputs: Columns,
  outputs: ColumnLayout,
  storage: WeightStorage,
  bits: 8 | 4 | undefined,
): { weight: Float32Array<ArrayBuffer>; packed: Float32Array | Uint16Array | Uint32Array } {
  if (!bits) {
    const packed = packWeight(numbers, inputs, outputs);
    return { weight: numbers, packed: storage === 'f16' ? encodeHalfs(packed) : packed };
  }
  const quantised = (bits === 8 ? I8 : I4).quantise(numbers, outputs.count);
  const weight = dequantise(quantised);
  const few = fewBits(bits, inputs, outputs)!;
  const codes = few.codesOf({ data: weight, first: 0, length: weight.length, scales: quantised.scales });
  expect([...codes]).toEqual([...quantised.codes]);
  const packed = new Uint8Array(few.bytes);
  packed.set(few.stored(packWeight(codes, inputs, outputs)));
  packed.set(new Uint8Array(few.placedScales().buffer), few.codeBytes);
  return { weight, packed: new Uint32Array(packed.buffer) };
}

export async function compareSwiglu({ rows, inputs, width, scale, tiling, storage = 'f32', bits }: SwigluCase) {
  const columns = new Columns(inputs);
  const halves = new SwigluColumns(width);
  const outputs = new Columns(width);
  const x = given(random(rows * inputs, 1, scale), storage, F32_BOUND);
  const numbers = given(random(2 * width * inputs, 2, 2 / Math.sqrt(inputs)), storage, F32_BOUND);
  const { weight, packed } = packedWeight(numbers, columns, halves, storage, bits);
  const bias = random(2 * width, 3);
  const sizes = { inputs: columns.stride, outputs: halves.stride, bias: true, accumulate: false, storage, bits };
  const y = await runKernel(
    matmul({ ...sizes, activation: 'swiglu' }, tiling, SHADERS),
    [toBuffer(x, rows, columns), packed, packVector(bias, halves), NO_NORM, emptyBuffer(rows, outputs)],
    rows,
  );
  const both = reference(Float64Array.from(x), weight, bias, { rows, inputs, outputs: 2 * width });
  expectClose(fromBuffer(y, rows, outputs), swiglu(both, width), F32_BOUND);
}
