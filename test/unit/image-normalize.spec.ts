/** Bytes to f32 planes. */
import { describe, expect, test } from 'vitest';
import { compositeOver } from '../../src/image/composite.ts';
import { normalize, normalizeTable } from '../../src/image/normalize-bytes.ts';
import { normalize as reference } from '../../src/reference/normalize.ts';
import { randomBytes } from '../harness/random-pixels.ts';

describe('normalise', () => {
  test('ends and middle of the range, in exact floats', () => {
    const table = normalizeTable({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, 3);
    expect([table[0], table[255], table[512]]).toEqual([-1, 1, -1]);
    // float32: 100 / 255 = 0.3921568691730499, less 0.5, over 0.5
    expect(table[100]).toBe(-0.21568626165390015);
  });

  test.for([1, 3])('differs from float64 by rounding only, %i channels', (channels) => {
    const spec = { mean: [0.485, 0.456, 0.406].slice(0, channels), std: [0.229, 0.224, 0.225].slice(0, channels) };
    const rgb = randomBytes(3 * 4096, 3);
    const planes = normalize(rgb, normalizeTable(spec, channels), channels);
    const exact = reference(rgb, spec);
    // Three roundings of 2^-24 on numbers up to 1, divided by 0.224.
    expect(Math.max(...exact.map((value, i) => Math.abs(value - planes[i])))).toBeLessThan(1e-6);
  });

  test('planes: all red, then all green, then all blue', () => {
    const table = normalizeTable({ mean: [0, 0, 0], std: [1, 0.5, 0.25] }, 3);
    const planes = normalize(Uint8Array.of(255, 0, 0, 0, 255, 255), table, 3);
    expect([...planes]).toEqual([1, 0, 0, 2, 0, 4]);
  });

  test("one channel: Pillow's grey", () => {
    const table = normalizeTable({ mean: [0], std: [1 / 255] }, 1);
    // Image.new('RGB', (1, 1), colour).convert('L')
    const colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 200, 31, 255, 255, 255, 77, 77, 77];
    const greys = [...normalize(Uint8Array.from(colours), table, 1)].map(Math.round);
    expect(greys).toEqual([76, 150, 29, 124, 255, 77]);
  });

  test('a mean for each channel, and no std of zero', () => {
    expect(() => normalizeTable({ mean: [0], std: [1, 1, 1] }, 3)).toThrow('1 means and 3 stds for 3 channels');
    expect(() => normalizeTable({ mean: [0], std: [0] }, 1)).toThrow('no std of 0');
  });
});

test('transparent pixels over a background', () => {
  const rgba = Uint8Array.of(10, 20, 30, 255, 10, 20, 30, 0, 10, 20, 30, 128);
  // 128: round((10 * 128 + 200 * 127) / 255) = round(104.6); 20 and 100: 59.8; 30 and 0: 15.06
  expect([...compositeOver(rgba, [200, 100, 0])]).toEqual([10, 20, 30, 255, 200, 100, 0, 255, 105, 60, 15, 255]);
  expect([...rgba.subarray(0, 4)]).toEqual([10, 20, 30, 255]);
});
