import { describe, test } from 'vitest';
import { Columns, packVector } from '../../src/gpu/columns.ts';
import { head } from '../../src/kernels/head.ts';
import { packWeight } from '../../src/kernels/matmul.ts';
import { head as reference } from '../../src/reference/head.ts';
import { emptyBuffer, expectClose, F32_BOUND, fromBuffer, random, toBuffer } from '../harness/arrays.ts';
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
});
