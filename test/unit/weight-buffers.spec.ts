/**
 * Tensors on their way into buffers of the GPU: in pieces of any length, packed in stretches, and never held whole.
 */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { matrix, stretchOf, type Weight } from '../../src/engine/run/packed-weights.ts';
import type { Program } from '../../src/engine/run/program.ts';
import { WeightBuffers } from '../../src/engine/run/weight-buffers.ts';
import type { Buffers } from '../../src/gpu/buffers.ts';
import { Columns } from '../../src/gpu/columns.ts';
import { packWeight, SwigluColumns, scaleWeight } from '../../src/kernels/matmul.ts';
import { random } from '../harness/arrays.ts';

vi.stubGlobal('GPUBufferUsage', { STORAGE: 128, COPY_DST: 8 });

/** Buffers as arrays, and what was written to them at once at most. */
function fakeGpu() {
  const gpu = { buffers: [] as Float32Array[], largest: 0, writes: 0 };
  const queue = {
    writeBuffer(buffer: Float32Array, offset: number, data: Float32Array, first = 0, count = data.length) {
      buffer.set(data.subarray(first, first + count), offset / 4);
      gpu.largest = Math.max(gpu.largest, count);
      gpu.writes++;
    },
  };
  const buffers = {
    create(_: string, bytes: number) {
      gpu.buffers.push(new Float32Array(bytes / 4));
      return gpu.buffers.at(-1);
    },
  };
  return { gpu, weights: new WeightBuffers({ queue } as unknown as GPUDevice, buffers as unknown as Buffers) };
}

const programOf = (weight: Weight) =>
  ({ actions: [{ kernel: {}, label: 'test', operands: [weight] }] }) as unknown as Program;

function add(weights: WeightBuffers, name: string, data: Float32Array<ArrayBuffer>, piece: number): void {
  for (let first = 0; first < data.length; first += piece) {
    weights.add({ name, length: data.length, first, data: data.slice(first, first + piece) });
  }
}

/** Layouts of outputs: dense, padded at the end, padded within, and taking turns. */
const layouts = [
  new Columns(48),
  new Columns(43),
  new Columns(1),
  new Columns(54, 3),
  new Columns(3 * 64, 3),
  new SwigluColumns(10),
];

test('whatever the pieces, the layout and the order: what packing the whole gives', () => {
  const cases = fc.record({
    outputs: fc.constantFrom(...layouts),
    inputs: fc.constantFrom(new Columns(7), new Columns(64), new Columns(30, 3)),
    piece: fc.integer({ min: 1, max: 900 }),
    scaled: fc.constantFrom(null, 'before', 'after'),
  });
  fc.assert(
    fc.property(cases, ({ outputs, inputs, piece, scaled }) => {
      const weight = matrix('w', inputs, outputs, { gamma: scaled && 'gamma' });
      // As small as can be, so that small matrices have many.
      if (weight.stretch) weight.stretch = { rows: 8, elements: 8 * inputs.count, floats: 8 * inputs.stride };
      const data = random(outputs.count * inputs.count, 1);
      const factors = random(outputs.count, 2);
      const expected = packWeight(data, inputs, outputs);
      if (scaled) scaleWeight(expected, factors, inputs, outputs);

      const { gpu, weights } = fakeGpu();
      weights.create(programOf(weight));
      if (scaled === 'before') add(weights, 'gamma', factors, 5);
      add(weights, 'w', data, piece);
      if (scaled === 'after') add(weights, 'gamma', factors, 5);
      expect(Buffer.from(gpu.buffers[0].buffer).equals(Buffer.from(expected.buffer))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('of a large matrix no more than a megabyte is packed at once', () => {
  const [inputs, outputs] = [new Columns(1024), new Columns(4096)];
  for (const gamma of [null, 'gamma']) {
    const weight = matrix('w', inputs, outputs, { gamma });
    const { gpu, weights } = fakeGpu();
    weights.create(programOf(weight));
    if (gamma) add(weights, gamma, new Float32Array(4096).fill(2), 4096);
    const data = random(4096 * 1024, 1);
    add(weights, 'w', data, 1 << 18);
    expect(gpu.largest).toBe(2 ** 18);
    expect(gpu.writes).toBe(16);
    // The last element of the checkpoint is the last one of the last block.
    expect(gpu.buffers[0].at(-1)).toBe(data.at(-1)! * (gamma ? 2 : 1));
  }
});

test('a row larger than a stretch is one', () => {
  expect(stretchOf({ rows: 8, elements: 8e5, floats: 8e5 })).toEqual({ rows: 8, elements: 8e5, floats: 8e5 });
});
