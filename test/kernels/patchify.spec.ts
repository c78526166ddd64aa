import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { packPatchWeight, packStarts, patchify } from '../../src/kernels/patchify.ts';
import { patchify as reference } from '../../src/reference/patchify.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random } from '../harness/arrays.ts';
import { runKernel } from '../harness/gpu.ts';

interface Case {
  batch: number;
  channels: number;
  imageSize: [number, number];
  patchSize: [number, number];
  width: number;
}

async function compare({ batch, channels, imageSize, patchSize, width }: Case) {
  const patches = (imageSize[0] / patchSize[0]) * (imageSize[1] / patchSize[1]);
  const rows = batch * (1 + patches);
  const features = channels * patchSize[0] * patchSize[1];
  const columns = new Columns(width);
  const pixels = random(batch * channels * imageSize[0] * imageSize[1], 1);
  const weight = random(width * features, 2, 1 / Math.sqrt(features));
  const bias = random(width, 3);
  const classToken = random(width, 4);
  const position = random((1 + patches) * width, 5);
  const kernel = patchify({ channels, imageSize, patchSize, prefix: 1, width });
  const operands = [
    pixels,
    packPatchWeight(weight, width),
    packStarts(classToken, position, bias, width),
    emptyBuffer(rows, columns),
  ];
  const y = await runKernel(kernel, operands, batch);
  const tensors = { weight, bias, classToken, position };
  const expected = reference(pixels, tensors, { batch, channels, imageSize, patchSize, width });
  expectClose(fromBuffer(y, rows, columns), expected, F32_BOUND);
}

describe('patchify', () => {
  test('224 x 224 in patches of 16', () =>
    compare({ batch: 1, channels: 3, imageSize: [224, 224], patchSize: [16, 16], width: 192 }));
  test('one patch', () => compare({ batch: 1, channels: 3, imageSize: [4, 4], patchSize: [4, 4], width: 5 }));
  test('grey, 28 x 28 in patches of 7, a batch', () =>
    compare({ batch: 3, channels: 1, imageSize: [28, 28], patchSize: [7, 7], width: 48 }));
  test('neither image nor patch square', () =>
    compare({ batch: 2, channels: 2, imageSize: [15, 22], patchSize: [5, 2], width: 13 }));
});
