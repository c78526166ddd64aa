import { describe, expect, test } from 'vitest';
import { Arena } from '../../src/cpu/arena.ts';
import { resize as resizeOnKernels } from '../../src/cpu/resize-picture.ts';
import { compositeOver } from '../../src/image/composite.ts';
import { type Coefficients, coefficients } from '../../src/image/filters.ts';
import { planPasses } from '../../src/image/passes.ts';
import { pixelSource } from '../../src/image/pixels.ts';
import { packResizePass, pixelGrid, resize } from '../../src/kernels/resize.ts';
import { FILTERS } from '../../src/model/preprocess.ts';
import { resize as resizeReference } from '../../src/reference/resize.ts';
import { kernelsOf, MODULES } from '../harness/cpu.ts';
import { runKernel } from '../harness/gpu.ts';
import { countDifferences } from '../harness/preprocess-cases.ts';
import { randomBytes } from '../harness/random-pixels.ts';

// Integers: not one byte may differ.
const SAME = { differ: 0, largest: 0 };

const floats = (data: Uint32Array | Int32Array | Uint8Array) => new Float32Array(data.slice().buffer);

/** `[count, 2]` bounds, then weights. */
function pack({ bounds, weights }: Coefficients): Float32Array {
  return floats(Int32Array.from([...bounds, ...weights]));
}

/** RGBA bytes of `y`. */
async function run(
  options: Parameters<typeof resize>[0],
  pass: Parameters<typeof packResizePass>[0],
  axis: Coefficients,
  x: Uint8Array,
  outputPixels = pass.width * pass.height,
): Promise<Uint8Array> {
  const operands = [floats(packResizePass(pass)), pack(axis), floats(x), new Float32Array(outputPixels)];
  const y = await runKernel(resize(options), operands, pass.width * pass.height);
  return new Uint8Array(y.buffer);
}

const rgbOf = (rgba: Uint8Array) => rgba.filter((_, i) => i % 4 < 3);

/** What the CPU makes of one axis; the other one does not change. */
function reference(rgba: Uint8Array, from: [number, number], to: [number, number], filter: (typeof FILTERS)[number]) {
  const source = pixelSource({ data: rgba, width: from[0], height: from[1], channels: 4 });
  const size = { mode: 'squash', width: to[0], height: to[1] } as const;
  return resizeReference(source, planPasses(source, { resize: size, filter, crop: null }));
}

describe('resize', () => {
  for (const filter of FILTERS) {
    for (const [from, to, lines] of [
      [97, 31, 5],
      [31, 97, 3],
      [1, 7, 1],
      [211, 1, 2],
    ]) {
      test(`${filter}, horizontal: ${from} -> ${to}, ${lines} rows`, async () => {
        const x = randomBytes(from * lines * 4, from);
        const axis = coefficients(filter, from, to);
        const pass = { width: to, height: lines, taps: axis.taps, stride: from, firstRow: 0, outputFirst: 0 };
        const y = await run({ vertical: false }, pass, axis, x);
        const expected = reference(x, [from, lines], [to, lines], filter);
        expect(countDifferences(rgbOf(y), expected)).toEqual(SAME);
      });

      test(`${filter}, vertical: ${from} -> ${to}, ${lines} columns`, async () => {
        const x = randomBytes(from * lines * 4, from);
        const axis = coefficients(filter, from, to);
        const pass = { width: lines, height: to, taps: axis.taps, stride: lines, firstRow: 0, outputFirst: 0 };
        const y = await run({ vertical: true }, pass, axis, x);
        const expected = reference(x, [lines, from], [lines, to], filter);
        expect(countDifferences(rgbOf(y), expected)).toEqual(SAME);
      });
    }
  }

  test('black and white edges overshoot and are clamped, never wrapped', async () => {
    const x = Uint8Array.from({ length: 40 * 4 }, (_, i) => (Math.floor(i / 12) % 2 ? 255 : 0));
    const axis = coefficients('lanczos', 40, 113);
    const pass = { width: 113, height: 1, taps: axis.taps, stride: 40, firstRow: 0, outputFirst: 0 };
    const y = await run({ vertical: false }, pass, axis, x);
    expect(countDifferences(rgbOf(y), reference(x, [40, 1], [113, 1], 'lanczos'))).toEqual(SAME);
  });

  test('grey before it is resized, over a background and without', async () => {
    const x = randomBytes(97 * 3 * 4, 5);
    const axis = coefficients('bicubic', 97, 31);
    const pass = { width: 31, height: 3, taps: axis.taps, stride: 97, firstRow: 0, outputFirst: 0 };
    const spec = {
      resize: { mode: 'squash', width: 31, height: 3 },
      filter: 'bicubic',
      crop: null,
      mean: [0.5],
    } as const;
    const background = [10, 200, 60];
    for (const options of [{}, { background }]) {
      const shown = 'background' in options ? compositeOver(x, background) : x;
      const source = pixelSource({ data: shown, width: 97, height: 3, channels: 4 });
      const y = await run({ vertical: false, grey: true, ...options }, pass, axis, x);
      expect(countDifferences(rgbOf(y), resizeReference(source, planPasses(source, { ...spec, mean: [0.5] })))).toEqual(
        SAME,
      );
    }
  });

  test('alpha over a background', async () => {
    const background = [200, 30, 90];
    const x = randomBytes(256 * 4, 9);
    for (let i = 0; i < 256; i++) x[4 * i + 3] = i;
    const axis = coefficients('nearest', 256, 256);
    const pass = { width: 256, height: 1, taps: 1, stride: 256, firstRow: 0, outputFirst: 0 };
    const y = await run({ vertical: false, background }, pass, axis, x);
    expect(countDifferences(y, compositeOver(x, background))).toEqual(SAME);
  });

  test('a strip lands in its place, and no pixel beside it is written', async () => {
    const x = randomBytes(10 * 3 * 4, 2);
    const axis = coefficients('bilinear', 8, 5);
    // Rows of 8 pixels lie 10 apart; 2 rows go to output pixels 7 to 16 of 20.
    const pass = { width: 5, height: 2, taps: axis.taps, stride: 10, firstRow: 0, outputFirst: 7 };
    const y = await run({ vertical: false }, pass, axis, x, 20);
    const dense = [...x.subarray(0, 32), ...x.subarray(40, 72)];
    const expected = reference(Uint8Array.from(dense), [8, 2], [5, 2], 'bilinear');
    expect(countDifferences(rgbOf(y.subarray(28, 68)), expected)).toEqual(SAME);
    expect([...y.subarray(0, 28), ...y.subarray(68)].every((byte) => byte === 0)).toBe(true);
  });

  test('the vertical pass counts rows from the first that is there', async () => {
    const axis = coefficients('bicubic', 40, 9, 4, 1);
    const [first, length] = axis.bounds;
    const column = randomBytes(length * 4, 6);
    const pass = { width: 1, height: 1, taps: axis.taps, stride: 1, firstRow: first, outputFirst: 0 };
    const y = await run({ vertical: true }, pass, axis, column);
    const whole = new Uint8Array(40 * 4);
    whole.set(column, first * 4);
    const expected = reference(whole, [1, 40], [1, 9], 'bicubic').subarray(12, 15);
    expect(countDifferences(rgbOf(y), expected)).toEqual(SAME);
  });

  test('more workgroups than one dimension of a grid has', () => {
    expect(pixelGrid(1)).toEqual([1, 1, 1]);
    expect(pixelGrid(64 * 65_535)).toEqual([65_535, 1, 1]);
    const [x, y, z] = pixelGrid(64 * 65_535 + 1);
    expect([y, z]).toEqual([2, 1]);
    expect(x * y).toBeGreaterThan(65_535);
  });

  test('a picture of more than 4 million pixels: rows of workgroups join without a gap', async () => {
    const [width, height] = [2100, 2003];
    const x = randomBytes(width * 4, 3);
    const axis = coefficients('box', width, width);
    const tall = new Uint8Array(width * height * 4);
    for (let row = 0; row < height; row++)
      tall.set(x.subarray(0, width * 4 - (row % 7) * 4), (row * width + (row % 7)) * 4);
    const pass = { width, height, taps: axis.taps, stride: width, firstRow: 0, outputFirst: 0 };
    const y = await run({ vertical: false }, pass, axis, tall);
    for (let i = 3; i < tall.length; i += 4) tall[i] = 255;
    expect(countDifferences(y, tall)).toEqual(SAME);
  });
});

describe.each(Object.entries(MODULES))('resize on the CPU, %s', (_, url) => {
  const picture = (width: number, height: number) =>
    pixelSource({ data: randomBytes(width * height * 4, width), width, height, channels: 4 });

  test.each(FILTERS)('%s: other sizes, one side as it was, a crop, and fill around it', async (filter) => {
    const arena = new Arena();
    const kernels = await kernelsOf(url, arena);
    for (const [from, to, crop] of [
      [[97, 41], [31, 97], null],
      [[31, 1], [97, 1], null],
      [[1, 211], [7, 2], null],
      [
        [53, 31],
        [19, 40],
        [23, 35],
      ],
      [
        [53, 31],
        [53, 12],
        [23, 35],
      ],
      [
        [53, 31],
        [80, 31],
        [35, 23],
      ],
      // More than one strip of it is read.
      [[700, 200], [5, 9], null],
    ] as const) {
      const source = picture(from[0], from[1]);
      const size = { mode: 'squash', width: to[0], height: to[1] } as const;
      const passes = planPasses(source, {
        resize: size,
        filter,
        crop: crop && { width: crop[0], height: crop[1], rounding: 'floor', fill: [9, 8, 7] },
      });
      const expected = resizeReference(source, passes);
      expect(countDifferences(resizeOnKernels(source, passes, kernels, arena, arena.top)!, expected)).toEqual(SAME);
    }
  });

  test('the largest and the least sums: edges are clamped, never wrapped', async () => {
    const arena = new Arena();
    const kernels = await kernelsOf(url, arena);
    const data = Uint8Array.from({ length: 40 * 40 * 4 }, (_, i) => ((i >> 4) % 5 < 2 ? 255 : 0));
    const source = pixelSource({ data, width: 40, height: 40, channels: 4 });
    for (const side of [1, 39, 113]) {
      const size = { mode: 'squash', width: side, height: side } as const;
      const passes = planPasses(source, { resize: size, filter: 'lanczos', crop: null });
      const y = resizeOnKernels(source, passes, kernels, arena, arena.top)!;
      expect(countDifferences(y, resizeReference(source, passes))).toEqual(SAME);
    }
  });

  test('memory that one picture took is enough for the next', async () => {
    const arena = new Arena();
    const kernels = await kernelsOf(url, arena);
    const source = picture(800, 600);
    const size = { mode: 'squash', width: 24, height: 24 } as const;
    const passes = planPasses(source, { resize: size, filter: 'bicubic', crop: null });
    const address = arena.top;
    resizeOnKernels(source, passes, kernels, arena, address);
    const { bytes } = arena;
    resizeOnKernels(source, passes, kernels, arena, address);
    expect(arena.bytes).toBe(bytes);
  });

  test('grey and what needs much memory are left to others', async () => {
    const arena = new Arena();
    const kernels = await kernelsOf(url, arena);
    const spec = { resize: null, filter: 'box', crop: null } as const;
    const given = (source: ReturnType<typeof pixelSource>, more: object) =>
      resizeOnKernels(source, planPasses(source, { ...spec, ...more }), kernels, arena, arena.top);
    expect(given(picture(4, 4), { mean: [0.5] })).toBeNull();
    const tall = pixelSource({ data: new Uint8Array(0), width: 1, height: 100_000, channels: 4 });
    expect(given(tall, { resize: { mode: 'squash', width: 224, height: 224 } })).toBeNull();
    expect(arena.bytes).toBe(2 ** 16);
  });
});
