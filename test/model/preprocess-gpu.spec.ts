/**
 * Pictures to normalised pixels on the GPU, against Pillow's goldens and against the CPU path. Bytes become floats by a
 * table that both paths share, so that equal floats are equal bytes; the tolerance is zero.
 */
import { describe, expect, test, vi } from 'vitest';
import { PreprocessGpu, type PreprocessGpuOptions } from '../../src/engine/pixels/preprocess-gpu.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { decodeImage, type Picture } from '../../src/image/decode.ts';
import { resizeToSpec } from '../../src/image/model-pixels.ts';
import { normalize, normalizeTable } from '../../src/image/normalize-bytes.ts';
import { pictureSource } from '../../src/image/read-pixels.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { haveModels, readBytes, readJson, realModel } from '../harness/files.ts';
import { testGpu } from '../harness/gpu.ts';
import {
  countDifferences,
  decodeCases,
  decodeFile,
  fixtureBlob,
  fixtureBytes,
  preprocessCases,
} from '../harness/preprocess-cases.ts';
import { randomBytes } from '../harness/random-pixels.ts';

const { cases, pipelines } = await preprocessCases();
const { device } = await testGpu();
const compiled = new Pipelines(device);
const SAME = { differ: 0, largest: 0 };
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

interface Setup {
  preprocess: PreprocessGpu;
  pixels: GPUBuffer;
  readback: GPUBuffer;
  spec: Preprocess;
  channels: number;
  size: number;
}

async function setup(
  spec: Preprocess,
  imageSize: [number, number],
  channels = 3,
  options: Pick<PreprocessGpuOptions, 'stripPixels' | 'resizeOn'> = {},
): Promise<Setup> {
  const architecture = { channels, imageSize };
  const preprocess = await PreprocessGpu.create(device, compiled, { spec, architecture, ...options });
  const size = channels * imageSize[0] * imageSize[1] * 4;
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const pixels = device.createBuffer({ size: 2 * size, usage: STORAGE | COPY_SRC | COPY_DST });
  const readback = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  return { preprocess, pixels, readback, spec, channels, size };
}

/** Normalised planes of `picture`, computed as image `slot` of two. */
async function run({ preprocess, pixels, readback, size }: Setup, picture: Picture, slot = 0): Promise<Float32Array> {
  device.pushErrorScope('validation');
  preprocess.upload(picture, pixels, slot);
  const encoder = device.createCommandEncoder();
  preprocess.record(encoder);
  encoder.copyBufferToBuffer(pixels, slot * size, readback, 0, size);
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);
  await readback.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(readback.getMappedRange()).slice();
  readback.unmap();
  return result;
}

/** What the CPU makes of the same picture. */
function onCpu({ spec, channels }: Setup, picture: Picture): Float32Array {
  const { data } = resizeToSpec(pictureSource(picture, spec.background), spec);
  return normalize(data, normalizeTable(spec, channels), channels);
}

function finish({ preprocess, pixels, readback }: Setup): void {
  preprocess.destroy();
  pixels.destroy();
  readback.destroy();
}

async function bitmapOf(rgba: Uint8Array, width: number, height: number): Promise<ImageBitmap> {
  const options: ImageBitmapOptions = { premultiplyAlpha: 'none', colorSpaceConversion: 'none' };
  return createImageBitmap(new ImageData(new Uint8ClampedArray(rgba), width, height), options);
}

describe('the GPU gives the bytes of Pillow', () => {
  test.for(Object.keys(pipelines))('%s, every picture', async (pipeline) => {
    const spec = { ...pipelines[pipeline], ...IMAGENET };
    const table = normalizeTable(spec, 3);
    const own = cases.filter((each) => each.pipeline === pipeline);
    expect(own).toHaveLength(10);
    const gpu = await setup(spec, [own[0].height, own[0].width]);
    for (const { image, expected } of own) {
      const picture = await decodeImage(await fixtureBlob(image));
      const golden = normalize(await fixtureBytes(expected), table, 3);
      expect(countDifferences(await run(gpu, picture), golden), image).toEqual(SAME);
    }
    finish(gpu);
  });
});

describe('a dimension that does not change', () => {
  const spec = (height: number, width: number, crop: Preprocess['crop'] = null): Preprocess => ({
    resize: { mode: 'squash', height, width },
    filter: 'bicubic',
    crop,
    ...IMAGENET,
  });
  const crop = { height: 20, width: 24, rounding: 'floor' } as const;
  const cases: [string, Preprocess, number][] = [
    ['width', spec(30, 50), 2],
    ['height', spec(41, 24), 2],
    ['both', spec(41, 50), 2],
    ['width, with a crop', spec(30, 50, crop), 2],
    ['height, with a crop', spec(41, 30, crop), 2],
    ['both, with a crop', spec(41, 50, crop), 2],
    ['neither', spec(30, 30), 3],
    ['width, over a background', { ...spec(30, 50), background: [10, 200, 30] }, 3],
  ];
  test.for(cases)('%s: same bytes, and no more dispatches than it takes', async ([, spec, dispatches]) => {
    const output = spec.crop ?? (spec.resize as { height: number; width: number });
    const gpu = await setup(spec, [output.height, output.width]);
    const picture = await bitmapOf(randomBytes(50 * 41 * 4, 9), 50, 41);
    const dispatch = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups');
    const result = await run(gpu, picture);
    expect(dispatch).toHaveBeenCalledTimes(dispatches);
    dispatch.mockRestore();
    expect(countDifferences(result, onCpu(gpu, picture))).toEqual(SAME);
    const bytes = new ImageData(new Uint8ClampedArray(randomBytes(50 * 41 * 4, 10)), 50, 41);
    expect(countDifferences(await run(gpu, bytes), onCpu(gpu, bytes))).toEqual(SAME);
    finish(gpu);
  });
});

describe.runIf(haveModels)('photographs', () => {
  test('are the pixels that Pillow makes of them', async () => {
    const folder = realModel('vit-tiny-patch16-224/golden');
    const golden = await readJson<{ preprocess: Preprocess; images: { photo: string }[] }>(`${folder}/expected.json`);
    const bytes = await readBytes(`${folder}/pixels.rgb`);
    const size = bytes.length / golden.images.length;
    const gpu = await setup(golden.preprocess, [224, 224]);
    const table = normalizeTable(golden.preprocess, 3);
    for (const [i, { photo }] of golden.images.entries()) {
      const picture = await decodeImage(new Blob([await readBytes(`${folder}/photos/${photo}`)]));
      const expected = normalize(bytes.subarray(i * size, (i + 1) * size), table, 3);
      expect(countDifferences(onCpu(gpu, picture), expected), `${photo} on the CPU`).toEqual(SAME);
      expect(countDifferences(await run(gpu, picture), expected), `${photo} on the GPU`).toEqual(SAME);
    }
    finish(gpu);
  });
});

describe('every kind of file, alpha included, as on the CPU', () => {
  const spec: Preprocess = {
    ...IMAGENET,
    resize: { mode: 'squash', width: 24, height: 20 },
    filter: 'bicubic',
    crop: null,
  };

  test.for([undefined, [200, 30, 90] as [number, number, number]])('background %s', async (background) => {
    const gpu = await setup({ ...spec, background }, [20, 24]);
    for (const { image } of await decodeCases()) {
      const picture = await decodeImage(await decodeFile(image));
      expect(countDifferences(await run(gpu, picture), onCpu(gpu, picture)), image).toEqual(SAME);
    }
    finish(gpu);
  });

  test('grey for a model of one channel', async () => {
    const gpu = await setup({ ...spec, mean: [0.1307], std: [0.3081] }, [20, 24], 1);
    const picture = await decodeImage(await decodeFile('full-chroma.jpg'));
    expect(countDifferences(await run(gpu, picture), onCpu(gpu, picture))).toEqual(SAME);
    finish(gpu);
  });
});

describe('sizes', () => {
  const crop = { width: 48, height: 32, rounding: 'half-even', fill: [124, 116, 104] } as const;
  const spec: Preprocess = {
    ...IMAGENET,
    resize: { mode: 'shortest-edge', size: 36, rounding: 'trunc' },
    filter: 'lanczos',
    crop: { ...crop, fill: [...crop.fill] },
  };

  test('random sizes and filters, bitmaps and bytes', async () => {
    const dice = randomBytes(200, 77);
    for (const [turn, filter] of (['bicubic', 'lanczos', 'nearest', 'bilinear', 'box', 'hamming'] as const).entries()) {
      const gpu = await setup({ ...spec, filter }, [32, 48]);
      for (let i = 0; i < 4; i++) {
        const [width, height] = [1 + dice[8 * turn + 2 * i], 1 + dice[8 * turn + 2 * i + 1]];
        const rgba = randomBytes(width * height * 4, width);
        const bytes = new ImageData(new Uint8ClampedArray(rgba), width, height);
        const expected = onCpu(gpu, bytes);
        const where = `${filter}, ${width} x ${height}`;
        expect(countDifferences(await run(gpu, bytes, i % 2), expected), where).toEqual(SAME);
        expect(countDifferences(await run(gpu, await bitmapOf(rgba, width, height)), expected), where).toEqual(SAME);
      }
      finish(gpu);
    }
  });

  test.for([
    [1, 1],
    [1, 5000],
    [5000, 1],
    [48, 32],
    [36, 36],
    [47, 3],
    [8193, 2],
    [2, 8193],
    [16_500, 3],
  ])('%i x %i', async ([width, height]) => {
    const gpu = await setup(spec, [32, 48]);
    const rgba = randomBytes(width * height * 4, width + height);
    const bitmap = await bitmapOf(rgba, width, height);
    expect(countDifferences(await run(gpu, bitmap), onCpu(gpu, bitmap))).toEqual(SAME);
    finish(gpu);
  });

  test('upscaled by 100', async () => {
    const gpu = await setup({ ...spec, resize: { mode: 'squash', width: 300, height: 200 }, crop: null }, [200, 300]);
    const bitmap = await bitmapOf(randomBytes(3 * 2 * 4, 1), 3, 2);
    expect(countDifferences(await run(gpu, bitmap), onCpu(gpu, bitmap))).toEqual(SAME);
    finish(gpu);
  });

  test('longest edge with padding', async () => {
    const resize = { mode: 'longest-edge', size: 32, rounding: 'round' } as const;
    const gpu = await setup({ ...spec, resize, crop: { ...spec.crop!, width: 32, height: 32 } }, [32, 32]);
    for (const [width, height] of [
      [100, 37],
      [37, 100],
      [5, 5],
    ]) {
      const bitmap = await bitmapOf(randomBytes(width * height * 4, 1), width, height);
      expect(countDifferences(await run(gpu, bitmap), onCpu(gpu, bitmap)), `${width} x ${height}`).toEqual(SAME);
    }
    finish(gpu);
  });

  test('in strips: the same floats', async () => {
    const gpu = await setup(spec, [32, 48], 3, { stripPixels: 64 * 10 });
    for (const [width, height] of [
      [60, 97],
      [500, 43],
      [9000, 5],
    ]) {
      const rgba = randomBytes(width * height * 4, width);
      const bitmap = await bitmapOf(rgba, width, height);
      const expected = onCpu(gpu, bitmap);
      expect(countDifferences(await run(gpu, bitmap), expected), `${width} x ${height}`).toEqual(SAME);
      const bytes = new ImageData(new Uint8ClampedArray(rgba), width, height);
      expect(countDifferences(await run(gpu, bytes), expected), `${width} x ${height}, bytes`).toEqual(SAME);
    }
    finish(gpu);
  });

  test('a resize that fits in no buffer is done on the CPU', async () => {
    // 65,000 rows of 600 pixels between the passes: 156 MB.
    const gpu = await setup({ ...spec, resize: { mode: 'squash', width: 600, height: 4 }, crop: null }, [4, 600]);
    const bytes = new ImageData(new Uint8ClampedArray(randomBytes(65_000 * 4, 8)), 1, 65_000);
    expect(countDifferences(await run(gpu, bytes, 1), onCpu(gpu, bytes))).toEqual(SAME);
    finish(gpu);
  });

  test('on the CPU where that is asked for, alpha over a background', async () => {
    const gpu = await setup({ ...spec, background: [9, 80, 200] }, [32, 48], 3, { resizeOn: 'cpu' });
    const held = gpu.preprocess.bytes;
    const bitmap = await bitmapOf(randomBytes(70 * 50 * 4, 8), 70, 50);
    expect(countDifferences(await run(gpu, bitmap, 1), onCpu(gpu, bitmap))).toEqual(SAME);
    expect(gpu.preprocess.bytes).toBe(held);
    finish(gpu);
  });
});

test('a photo of a size seen before creates no GPU object', async () => {
  const spec: Preprocess = { ...pipelines['timm-vit'], ...IMAGENET };
  const gpu = await setup(spec, [224, 224]);
  const landscape = await bitmapOf(randomBytes(300 * 200 * 4, 1), 300, 200);
  const portrait = await bitmapOf(randomBytes(200 * 300 * 4, 1), 200, 300);
  await run(gpu, landscape);
  await run(gpu, portrait);
  const held = gpu.preprocess.bytes;
  expect(held).toBeGreaterThan(300 * 300 * 4);

  const created: string[] = [];
  const originals = new Map<string, unknown>();
  // Encoders are how work is submitted at all; everything else counts.
  const factories = Object.getOwnPropertyNames(GPUDevice.prototype).filter(
    (name) => name.startsWith('create') && name !== 'createCommandEncoder',
  );
  expect(factories).toContain('createBindGroup');
  for (const name of factories) {
    const original = Reflect.get(device, name) as (...args: unknown[]) => unknown;
    originals.set(name, original);
    Object.defineProperty(device, name, {
      configurable: true,
      value: (...args: unknown[]) => {
        created.push(name);
        return original.apply(device, args);
      },
    });
  }
  for (let i = 0; i < 3; i++) {
    await run(gpu, landscape, i % 2);
    await run(gpu, portrait, i % 2);
  }
  for (const name of originals.keys()) Reflect.deleteProperty(device, name);
  expect(created).toEqual([]);
  expect(gpu.preprocess.bytes).toBe(held);
  finish(gpu);
  expect(gpu.preprocess.bytes).toBe(0);
});
