/**
 * Node's part of `bench/preprocess.js`: times of one size of photo, beside sharp alone.
 */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { Arena } from '../src/cpu/arena.ts';
import { resize } from '../src/cpu/resize-picture.ts';
import { supportedSimd } from '../src/cpu/simd.ts';
import { instantiate } from '../src/cpu/wasm-kernels.ts';
import type { Picture } from '../src/image/decode.ts';
import { pixelsOf } from '../src/image/model-pixels.ts';
import { decodeBySharp } from '../src/node/decode-by-sharp.ts';
import { median, SIDE, SPEC, sizeOf, timeTransformersJs } from './preprocess-work.ts';

export async function measure(megapixels: number): Promise<Record<string, number | string>> {
  const { width, height } = sizeOf(megapixels);
  const photo = sharp('public/samples/kitten.jpg').resize(width, height, { fit: 'fill' });
  const file = await photo.jpeg({ quality: 90 }).toBuffer();
  const onCpu = pixelsOf(SPEC, 3);
  const arena = new Arena();
  const simd = supportedSimd();
  const module = await WebAssembly.compile(await readFile(`dist/wasm/cpu-${simd}.wasm`));
  const kernels = await instantiate(module, arena.memory);
  const { top } = arena;
  const decoded = async () => (await decodeBySharp(file, { orientation: 'exif' })) as Picture;
  const picture = await decoded();
  // biome-ignore lint/suspicious/noExplicitAny: none of the library's types are needed
  const transformersJs: any = await import('@huggingface/transformers' as string);
  return {
    photo: `${width} x ${height}`,
    simd,
    decode: await warm(decoded),
    'in WebAssembly': await warm(async () => onCpu(picture, (...given) => resize(...given, kernels, arena, top))),
    'in TypeScript': await warm(async () => onCpu(picture)),
    'sharp, from file to planes': await warm(() => bySharp(file)),
    ...(await timeTransformersJs(transformersJs, new Blob([new Uint8Array(file)]))),
  };
}

/** The first round, which compiles, is not counted. */
async function warm(work: () => Promise<unknown>): Promise<number> {
  await work();
  return median(work, 15);
}

/** What one does without a library: JPEGs are decoded at a fraction of their size, and resized as libvips does it. */
async function bySharp(file: Buffer): Promise<Float32Array> {
  const { width, height } = await sharp(file).metadata();
  const scale = 248 / Math.min(width, height);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  const middle = { left: (w - SIDE) >> 1, top: (h - SIDE) >> 1, width: SIDE, height: SIDE };
  const resized = sharp(file).resize(w, h, { fit: 'fill', kernel: 'cubic' });
  const data = await resized.extract(middle).removeAlpha().raw().toBuffer();
  const planes = new Float32Array(3 * SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) planes[c * SIDE * SIDE + i] = (data[3 * i + c] / 255 - 0.5) / 0.5;
  }
  return planes;
}
