import { describe, expect, test } from 'vitest';
import { normalize as normalizeOnCpu, normalizeTable } from '../../src/image/normalize-bytes.ts';
import { normalize, packNormalizeWindow } from '../../src/kernels/normalize.ts';
import { normalize as reference } from '../../src/reference/normalize.ts';
import { runKernel } from '../harness/gpu.ts';
import { countDifferences } from '../harness/preprocess-cases.ts';
import { randomBytes } from '../harness/random-pixels.ts';

// GPU and CPU look the value up in the same table: not one float may differ.
const SAME = { differ: 0, largest: 0 };

const floats = (data: Uint32Array | Uint8Array) => new Float32Array(data.slice().buffer);
const rgbOf = (rgba: Uint8Array) => rgba.filter((_, i) => i % 4 < 3);

const SPECS: Record<number, { mean: number[]; std: number[] }> = {
  1: { mean: [0.1307], std: [0.3081] },
  3: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};

describe('normalize', () => {
  for (const channels of [1, 3]) {
    for (const [height, width] of [
      [1, 1],
      [32, 32],
      [13, 37],
    ]) {
      test(`${channels} x ${height} x ${width}`, async () => {
        const x = randomBytes(width * height * 4, 11);
        const table = normalizeTable(SPECS[channels], channels);
        const window = packNormalizeWindow({ left: 0, top: 0, columns: width, rows: height, image: 0 });
        const kernel = normalize({ channels, imageSize: [height, width], fill: [0, 0, 0] });
        const empty = new Float32Array(channels * height * width);
        const pixels = await runKernel(kernel, [floats(window), floats(x), table, empty], 1);
        expect(countDifferences(pixels, normalizeOnCpu(rgbOf(x), table, channels))).toEqual(SAME);
        const exact = reference(rgbOf(x), SPECS[channels]);
        // The table rounds three times to f32.
        expect(Math.max(...exact.map((value, i) => Math.abs(value - pixels[i])))).toBeLessThan(1e-6);
      });
    }
  }

  test('a photo within fill, as the second of three images', async () => {
    const [height, width, channels] = [7, 9, 3];
    const [left, top, columns, rows] = [2, 3, 5, 3];
    const fill = [124, 116, 104];
    const x = randomBytes(columns * rows * 4, 12);
    const table = normalizeTable(SPECS[3], 3);
    const window = packNormalizeWindow({ left, top, columns, rows, image: 1 });
    const kernel = normalize({ channels, imageSize: [height, width], fill });
    const size = channels * height * width;
    const before = new Float32Array(3 * size).fill(-77);
    const pixels = await runKernel(kernel, [floats(window), floats(x), table, before], 1);

    const rgb = Uint8Array.from({ length: size }, (_, i) => fill[i % 3]);
    for (let row = 0; row < rows; row++) {
      const line = rgbOf(x.subarray(row * columns * 4, (row + 1) * columns * 4));
      rgb.set(line, ((top + row) * width + left) * 3);
    }
    expect(countDifferences(pixels.subarray(size, 2 * size), normalizeOnCpu(rgb, table, 3))).toEqual(SAME);
    const others = [...pixels.subarray(0, size), ...pixels.subarray(2 * size)];
    expect(others.every((value) => value === -77)).toBe(true);
  });
});
