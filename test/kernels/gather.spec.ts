import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { type GatherSizes, gather, placeRows } from '../../src/kernels/gather.ts';
import { gather as reference } from '../../src/reference/gather.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';
import { TINY_CLIP, TINY_TEXT } from '../harness/tiny-model.ts';

/** What `runKernel` uploads: the bits of the integers. */
const asFloats = (integers: number[]) => new Float32Array(Uint32Array.from(integers).buffer);

/** In pieces of 17, as they arrive. */
function packRows(matrix: Float32Array, sizes: Pick<GatherSizes, 'width' | 'first' | 'count'>) {
  const packed = new Float32Array(sizes.count * new Columns(sizes.width).stride);
  for (let at = 0; at < matrix.length; at += 17) placeRows(packed, matrix.subarray(at, at + 17), at, sizes);
  return packed;
}

describe('gather', () => {
  for (const [rows, width, indices, period] of [
    [64, 48, [3, 63, 0, 1, 7, 7], 3],
    [5, 13, [4, 0, 2], null],
    [1, 1, [0], 1],
    [300, 512, Array.from({ length: 154 }, (_, i) => (i * 37) % 300), 77],
  ] as [number, number, number[], number | null][]) {
    test(`${indices.length} of ${rows} rows of ${width}, ${period ?? 'no'} rows added`, async () => {
      const columns = new Columns(width);
      const x = random(rows * width, 1);
      const added = random((period ?? 1) * width, 2);
      const operands = [
        packRows(x, { width, first: 0, count: rows }),
        asFloats(indices),
        packRows(added, { width, first: 0, count: period ?? 1 }),
        emptyBuffer(indices.length, columns),
      ];
      const y = await runKernel(gather({ width, first: 0, count: rows, period }), operands, indices.length);
      const expected = reference(x, indices, period === null ? null : added, width);
      expectClose(fromBuffer(y, indices.length, columns), expected, F32_BOUND);
    });
  }

  test('a matrix in pieces: each writes its own rows and leaves the others', async () => {
    const [rows, width] = [10, 6];
    const indices = [9, 0, 5, 4, 3, 7];
    const columns = new Columns(width);
    const x = random(rows * width, 1);
    const none = random(8, 3);
    let y: Float32Array = emptyBuffer(indices.length, columns);
    for (const [first, count] of [
      [0, 4],
      [4, 1],
      [5, 5],
    ]) {
      const operands = [packRows(x, { width, first, count }), asFloats(indices), none, y];
      y = await runKernel(gather({ width, first, count, period: null }), operands, indices.length);
    }
    expectClose(fromBuffer(y, indices.length, columns), reference(x, indices, null, width), 0);
  });
});

describe('gather on the CPU', () => {
  const text = { ...TINY_TEXT, vocabulary: 30, tokens: 6 };
  for (const storage of ['f32', 'f16'] as const) {
    test(`tokens of texts and their positions, ${storage}`, () =>
      compareOnCpu({
        step: { op: 'lookup', label: 'lookup', output: 'y', table: 't', position: 'p' },
        values: { y: [6, 18] },
        tensors: { t: random(30 * 18, 1), p: random(6 * 18, 2) },
        inputs: { ids: Uint32Array.from({ length: 12 }, (_, i) => (i * 7) % 30) },
        architecture: { ...TINY_CLIP, text },
        storage,
      }));
  }

  test('the last token of each text', () =>
    compareOnCpu({
      step: { op: 'pick', label: 'pick', input: 'x', output: 'y' },
      values: { x: [6, 18], y: [1, 18] },
      inputs: { ends: Uint32Array.of(5, 0) },
      bound: 0,
    }));
});
