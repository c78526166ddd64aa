/** Sizes and offsets, against numbers worked out by hand from the rules of torchvision, timm and Hugging Face. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Geometry, geometry, horizontalSpan, verticalSpan } from '../../src/image/geometry.ts';
import type { Crop, Resize } from '../../src/model/preprocess.ts';

const size = (width: number, height: number) => ({ width, height });
const shortest = (edge: number, rounding: 'trunc' | 'round' = 'trunc'): Resize => ({
  mode: 'shortest-edge',
  size: edge,
  rounding,
});

const patches = (edge: number, most: number): Resize => ({ mode: 'patches', size: edge, most });

describe('resize', () => {
  test.for<[string, [number, number], Resize | null, [number, number]]>([
    ['none', [640, 427], null, [640, 427]],
    ['squash ignores the aspect ratio', [640, 427], { mode: 'squash', width: 30, height: 20 }, [30, 20]],
    ['shortest edge, landscape: int(248 * 640 / 427) = 371', [640, 427], shortest(248), [371, 248]],
    ['shortest edge, portrait', [427, 640], shortest(248), [248, 371]],
    ['truncated: 224 * 3 / 2 = 336; 100 * 5 / 3 = 166.7', [5, 3], shortest(100), [166, 100]],
    ['rounded: 166.7', [5, 3], shortest(100, 'round'), [167, 100]],
    ['rounded, half to even: 2.5', [5, 2], shortest(1, 'round'), [2, 1]],
    ['rounded, half to even: 3.5', [7, 2], shortest(1, 'round'), [4, 1]],
    ['square', [7, 7], shortest(3), [3, 3]],
    ['longest edge', [640, 427], { mode: 'longest-edge', size: 224, rounding: 'trunc' }, [224, 149]],
    ['longest edge, rounded 149.45', [640, 427], { mode: 'longest-edge', size: 224, rounding: 'round' }, [224, 149]],
    ['longest edge, portrait', [3, 5], { mode: 'longest-edge', size: 10, rounding: 'round' }, [6, 10]],
    ['never less than a pixel', [5000, 1], { mode: 'longest-edge', size: 224, rounding: 'trunc' }, [224, 1]],
    // As transformers' search finds them, in Python.
    ['patches, a photo', [640, 427], patches(16, 256), [304, 208]],
    ['patches, portrait', [427, 640], patches(16, 256), [208, 304]],
    ['patches, reduced: 18 x 14 of them', [4032, 3024], patches(16, 256), [288, 224]],
    ['patches, more of them', [1920, 1080], patches(16, 1024), [672, 384]],
    ['patches, square', [64, 64], patches(14, 100), [140, 140]],
    ['patches, of one row', [7, 5000], patches(16, 256), [16, 4096]],
    ['patches, a pixel: a hundred times as large at most', [1, 1], patches(16, 256), [112, 112]],
    ['a line upscaled', [1, 5000], shortest(224), [224, 1_120_000]],
  ])('%s', ([, [width, height], resize, [toWidth, toHeight]]) => {
    expect(geometry(size(width, height), { resize, crop: null })).toMatchObject({
      resized: size(toWidth, toHeight),
      output: size(toWidth, toHeight),
      left: 0,
      top: 0,
    });
  });
});

test('patches: of any picture whole ones, at least one and at most as many as are allowed', () => {
  const side = fc.integer({ min: 1, max: 40_000 });
  const edges = fc.record({ width: side, height: side });
  fc.assert(
    fc.property(edges, fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 4096 }), (picture, edge, most) => {
      const { width, height } = geometry(picture, { resize: patches(edge, most), crop: null }).output;
      const [columns, rows] = [width / edge, height / edge];
      expect(Number.isInteger(columns) && Number.isInteger(rows)).toBe(true);
      expect(columns * rows).toBeGreaterThanOrEqual(1);
      expect(columns * rows).toBeLessThanOrEqual(most);
    }),
  );
});

describe('crop', () => {
  const crop = (width: number, height: number, rounding: Crop['rounding']): Crop => ({ width, height, rounding });

  test.for<[number, Crop['rounding'], number]>([
    // What is left over -> where the window begins. Python: round(0.5) = 0, round(1.5) = 2, round(2.5) = 2.
    [0, 'floor', 0],
    [1, 'floor', 0],
    [3, 'floor', 1],
    [5, 'floor', 2],
    [4, 'floor', 2],
    [1, 'half-even', 0],
    [3, 'half-even', 2],
    [5, 'half-even', 2],
    [7, 'half-even', 4],
    [4, 'half-even', 2],
    // The image is smaller: Hugging Face pads ceil(n / 2) before it, torchvision floor(n / 2).
    [-1, 'floor', -1],
    [-3, 'floor', -2],
    [-4, 'floor', -2],
    [-1, 'half-even', 0],
    [-3, 'half-even', -1],
    [-4, 'half-even', -2],
  ])('%i left over, %s: begins at %i', ([rest, rounding, offset]) => {
    const { left, top } = geometry(size(20 + rest, 20), { resize: null, crop: crop(20, 20, rounding) });
    expect([left, top]).toEqual([offset, 0]);
    expect(Object.is(left, -0)).toBe(false);
    const turned = geometry(size(20, 20 + rest), { resize: null, crop: crop(20, 20, rounding) });
    expect([turned.left, turned.top]).toEqual([0, offset]);
  });

  test('wider than the image, and lower', () => {
    const sizes = geometry(size(10, 30), { resize: null, crop: { ...crop(14, 20, 'floor'), fill: [1, 2, 3] } });
    expect(sizes).toMatchObject({ output: size(14, 20), left: -2, top: 5, fill: [1, 2, 3] });
    expect(horizontalSpan(sizes)).toEqual({ first: 0, at: 2, count: 10 });
    expect(verticalSpan(sizes)).toEqual({ first: 5, at: 0, count: 20 });
  });

  test('spans never leave the output', () => {
    for (let image = 1; image < 12; image++) {
      for (let window = 1; window < 12; window++) {
        for (const rounding of ['floor', 'half-even'] as const) {
          const sizes: Geometry = geometry(size(image, image), { resize: null, crop: crop(window, window, rounding) });
          const { first, at, count } = horizontalSpan(sizes);
          expect(count).toBe(Math.min(image, window));
          expect(first + count).toBeLessThanOrEqual(image);
          expect(at + count).toBeLessThanOrEqual(window);
        }
      }
    }
  });
});

test.for<[string, Resize | null, Crop | null]>([
  ['resize.size', shortest(0), null],
  ['resize.width', { mode: 'squash', width: 1.5, height: 3 }, null],
  ['resize.height', { mode: 'squash', width: 2, height: Number.NaN }, null],
  ['crop.width', null, { width: -1, height: 2, rounding: 'floor' }],
])('%s that is no number of pixels is refused by name', ([name, resize, crop]) => {
  expect(() => geometry(size(4, 4), { resize, crop })).toThrow(`preprocess.${name} is`);
});
