import { describe, test } from 'vitest';
import { Columns, packVector } from '../../src/gpu/columns.ts';
import { head } from '../../src/kernels/head.ts';
import { packWeight } from '../../src/kernels/matmul.ts';
import { head as reference } from '../../src/reference/head.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
import { compareOnCpu } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';

describe('head', () => {
  for (const [images, width, classes] of [
    [1, 192, 1000],
    [5, 48, 7],
    [3, 13, 1],
    [2, 1280, 21],
  ]) {
    test(`${images} images, ${width} to ${classes}`, async () => {
      const inputs = new Columns(width);
      const outputs = new Columns(classes);
      const x = random(images * width, 1);
      const weight = random(classes * width, 2, 1 / Math.sqrt(width));
      const bias = random(classes, 3);
      const operands = [
        toBuffer(x, images, inputs),
        packWeight(weight, inputs, outputs),
        packVector(bias, outputs),
        emptyBuffer(images, outputs),
      ];
      const y = await runKernel(head({ inputs: inputs.stride, outputs: outputs.stride }), operands, images);
      const expected = reference(Float64Array.from(x), weight, bias, { images, width, classes });
      expectClose(fromBuffer(y, images, outputs), expected, F32_BOUND);
    });
  }

  test('half of one head and half of another', async () => {
    const [images, inputs, outputs] = [3, new Columns(13), new Columns(7)];
    let y: Float32Array = emptyBuffer(images, outputs);
    const expected = new Float64Array(images * 7);
    const half = (value: number) => value / 2;
    for (const [seed, accumulate] of [
      [1, false],
      [5, true],
    ] as const) {
      const x = random(images * 13, seed);
      const weight = random(7 * 13, seed + 1, 0.3);
      const bias = random(7, seed + 2);
      const operands = [
        toBuffer(x, images, inputs),
        packWeight(weight.map(half), inputs, outputs),
        packVector(bias.map(half), outputs),
        y,
      ];
      y = await runKernel(head({ inputs: inputs.stride, outputs: outputs.stride, accumulate }), operands, images);
      const part = reference(Float64Array.from(x), weight, bias, { images, width: 13, classes: 7 });
      for (let i = 0; i < part.length; i++) expected[i] += part[i] / 2;
    }
    expectClose(fromBuffer(y, images, outputs), expected, F32_BOUND);
  });
});

describe('head on the CPU', () => {
  for (const accumulate of [false, true]) {
    test(`half of the products${accumulate ? ' added to what is there' : ''}`, () =>
      compareOnCpu({
        step: { op: 'head', label: 'head', input: 'x', output: 'y', weight: 'w', bias: 'b', share: 0.5, accumulate },
        values: { x: [1, 50], y: [1, 13] },
        tensors: { w: random(13 * 50, 1, 0.2), b: random(13, 2) },
        batch: 5,
        storage: 'f16',
      }));
  }
});
