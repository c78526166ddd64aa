import { describe, test } from 'vitest';
import { Columns } from '../../src/gpu/columns.ts';
import { packStarts } from '../../src/kernels/assemble.ts';
import { packPatchWeight, patchify } from '../../src/kernels/patchify.ts';
import { tokenStarts } from '../../src/reference/assemble.ts';
import { patchify as reference } from '../../src/reference/patchify.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';
import { TINY } from '../harness/tiny-model.ts';

interface Case {
  batch: number;
  channels: number;
  imageSize: [number, number];
  patchSize: [number, number];
  width: number;
  /** Rows of the prefix tokens, and how many have a position. Default one class token that has. */
  prefix?: { rows: number[]; positioned: number };
  bias?: boolean;
}

const CLASS_TOKEN = { rows: [1], positioned: 1 };

async function compare({ batch, channels, imageSize, patchSize, width, prefix = CLASS_TOKEN, bias = true }: Case) {
  const patches = (imageSize[0] / patchSize[0]) * (imageSize[1] / patchSize[1]);
  const prefixTokens = prefix.rows.reduce((a, b) => a + b, 0);
  const tokens = prefixTokens + patches;
  const rows = batch * tokens;
  const features = channels * patchSize[0] * patchSize[1];
  const columns = new Columns(width);
  const pixels = random(batch * channels * imageSize[0] * imageSize[1], 1);
  const weight = random(width * features, 2, 1 / Math.sqrt(features));
  const biases = bias ? random(width, 3) : null;
  const prefixes = prefix.rows.map((count, i) => random(count * width, 10 + i));
  const position = random((prefix.positioned + patches) * width, 5);
  const shape = { tokens, width, positionPrefix: prefix.positioned };
  const kernel = patchify({ channels, imageSize, patchSize, prefix: prefixTokens, width });
  const operands = [
    pixels,
    packPatchWeight(weight, width),
    packStarts({ prefix: prefixes, position, bias: biases }, shape),
    emptyBuffer(rows, columns),
  ];
  const y = await runKernel(kernel, operands, batch);
  const tensors = { weight, bias: biases, starts: tokenStarts(prefixes, position, shape) };
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
  test('a class token and registers without position, no bias', () =>
    compare({
      batch: 2,
      channels: 3,
      imageSize: [8, 12],
      patchSize: [4, 4],
      width: 18,
      prefix: { rows: [1, 4], positioned: 1 },
      bias: false,
    }));
  test('no prefix at all', () =>
    compare({
      batch: 2,
      channels: 3,
      imageSize: [8, 8],
      patchSize: [4, 4],
      width: 24,
      prefix: { rows: [], positioned: 0 },
    }));
});

describe('patchify on the CPU', () => {
  const architecture = { ...TINY, imageSize: [15, 22] as [number, number], patchSize: [5, 2] as [number, number] };
  const tensors = { w: random(18 * 30, 1, 0.2), b: random(18, 2), c: random(18, 3), r: random(36, 4) };
  const step = { op: 'patchify' as const, label: 'patchify', output: 'y', weight: 'w', bias: 'b' };
  const inputs = { pixels: random(2 * 3 * 15 * 22, 5) };
  for (const [name, position, positionPrefix] of [
    ['positions of all tokens', 'p', 3],
    ['positions of class token and patches', 'p', 1],
    ['positions of patches alone', 'p', 0],
    ['no positions', null, 0],
  ] as const) {
    test(`class token, two registers, ${name}`, () =>
      compareOnCpu({
        step: { ...step, starts: { prefix: ['c', 'r'], position, positionPrefix, tokens: 36 } },
        values: { y: [36, 18] },
        tensors: { ...tensors, p: random((33 + positionPrefix) * 18, 6) },
        inputs,
        architecture: { ...architecture, width: 18 },
      }));
  }

  test('patches alone, without bias', () =>
    compareOnCpu({
      step: { ...step, bias: null, starts: null },
      values: { y: [33, 18] },
      tensors,
      inputs,
      architecture: { ...architecture, width: 18 },
    }));
});
