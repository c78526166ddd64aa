import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { type UnfoldSizes, unfold } from '../../src/kernels/unfold.ts';
import { unfold as reference } from '../../src/reference/unfold.ts';
import { emptyBuffer, expectClose, fromBuffer, random } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';
import { TINY } from '../harness/tiny-model.ts';

async function compare(batch: number, sizes: UnfoldSizes) {
  const { channels, imageSize, patchSize } = sizes;
  const rows = (batch * imageSize[0] * imageSize[1]) / (patchSize[0] * patchSize[1]);
  const columns = new Columns(channels * patchSize[0] * patchSize[1]);
  const pixels = random(batch * channels * imageSize[0] * imageSize[1], 1);
  const y = await runKernel(unfold(sizes), [pixels, emptyBuffer(rows, columns)], batch);
  // Numbers are moved, not computed.
  expectClose(fromBuffer(y, rows, columns), reference(pixels, { batch, ...sizes }), 0);
}

describe('unfold', () => {
  test('224 x 224 in patches of 16', () => compare(1, { channels: 3, imageSize: [224, 224], patchSize: [16, 16] }));
  test('one patch', () => compare(1, { channels: 3, imageSize: [4, 4], patchSize: [4, 4] }));
  test('one pixel', () => compare(2, { channels: 1, imageSize: [3, 5], patchSize: [1, 1] }));
  test('grey, 28 x 28 in patches of 7, a batch', () =>
    compare(3, { channels: 1, imageSize: [28, 28], patchSize: [7, 7] }));
  test('neither image nor patch square, rows that end within a vec4', () =>
    compare(2, { channels: 3, imageSize: [15, 22], patchSize: [5, 2] }));
});

describe('unfold on the CPU', () => {
  for (const { channels, imageSize, patchSize } of [
    { channels: 3, imageSize: [32, 48], patchSize: [16, 16] },
    { channels: 1, imageSize: [3, 5], patchSize: [1, 1] },
    { channels: 3, imageSize: [15, 22], patchSize: [5, 2] },
  ] as { channels: number; imageSize: [number, number]; patchSize: [number, number] }[]) {
    const [height, width] = imageSize;
    const patches = (height / patchSize[0]) * (width / patchSize[1]);
    test(`${channels} x ${imageSize} in patches of ${patchSize}`, () =>
      compareOnCpu({
        step: { op: 'unfold', label: 'unfold', output: 'y' },
        values: { y: [patches, channels * patchSize[0] * patchSize[1]] },
        inputs: { pixels: random(2 * channels * height * width, 1) },
        architecture: { ...TINY, channels, imageSize, patchSize },
        bound: 0,
      }));
  }
});
