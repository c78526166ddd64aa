/**
 * The browser's part of `bench/preprocess.js`: times of one size of photo.
 */
import relaxedUrl from '../dist/wasm/cpu-relaxed.wasm?url';
import { Arena } from '../src/cpu/arena.ts';
import { resize } from '../src/cpu/resize-picture.ts';
import { instantiate } from '../src/cpu/wasm-kernels.ts';
import { PreprocessGpu } from '../src/engine/pixels/preprocess-gpu.ts';
import { Gpu } from '../src/gpu/device.ts';
import { Pipelines } from '../src/gpu/pipelines.ts';
import { decodeImage } from '../src/image/decode.ts';
import { pixelsOf } from '../src/image/model-pixels.ts';
import { median, round, SIDE, SPEC, sizeOf, timeTransformersJs } from './preprocess-work.ts';

export async function measure(megapixels: number): Promise<Record<string, number | string>> {
  const { width, height } = sizeOf(megapixels);
  const file = await drawPhoto(width, height);

  const { device } = await Gpu.request();
  const architecture = { channels: 3, imageSize: [SIDE, SIDE] as [number, number] };
  const preprocess = await PreprocessGpu.create(device, new Pipelines(device), { spec: SPEC, architecture });
  const pixels = device.createBuffer({
    size: 3 * SIDE * SIDE * 4,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  const onGpu = async (picture: ImageBitmap) => {
    preprocess.upload(picture, pixels, 0);
    const encoder = device.createCommandEncoder();
    preprocess.record(encoder);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  const onlyUpload = async (picture: ImageBitmap) => {
    preprocess.upload(picture, pixels, 0);
    await device.queue.onSubmittedWorkDone();
    preprocess.record(device.createCommandEncoder());
  };
  const onCpu = pixelsOf(SPEC, 3);
  const arena = new Arena();
  const kernels = await instantiate(await WebAssembly.compileStreaming(fetch(relaxedUrl)), arena.memory);
  const { top } = arena;

  const decode = await median(async () => ((await decodeImage(file)) as ImageBitmap).close());
  const picture = (await decodeImage(file)) as ImageBitmap;
  const first = await median(() => onGpu(picture), 1);
  const gpu = await median(() => onGpu(picture));
  const upload = await median(() => onlyUpload(picture));
  const inTypeScript = await median(async () => onCpu(picture));
  const cpu = await median(async () => onCpu(picture, (...given) => resize(...given, kernels, arena, top)));
  picture.close();
  const canvasDecode = await median(async () => (await createImageBitmap(file)).close());
  const managed = await createImageBitmap(file);
  const canvas = await median(async () => throughCanvas(managed));
  managed.close();
  const path = '/bench/node_modules/@huggingface/transformers/dist/transformers.js';
  const transformersJs = await timeTransformersJs(await import(/* @vite-ignore */ path), file);
  const bytes = preprocess.bytes;
  preprocess.destroy();
  device.destroy();
  return {
    photo: `${width} x ${height}`,
    decode,
    'gpu first': first,
    gpu,
    'of which upload': upload,
    cpu,
    'cpu in TypeScript': inTypeScript,
    'canvas decode': canvasDecode,
    canvas,
    ...transformersJs,
    'gpu MiB held': round(bytes / 2 ** 20),
  };
}

/** What a page does without a library: whatever the browser's resampling gives. */
function throughCanvas(picture: ImageBitmap): Float32Array {
  const scale = 248 / Math.min(picture.width, picture.height);
  const context = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true })!;
  context.imageSmoothingQuality = 'high';
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const planes = new Float32Array(3 * SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) planes[c * SIDE * SIDE + i] = (data[4 * i + c] / 255 - 0.5) / 0.5;
  }
  return planes;
}

/** Gradients and rectangles, compressed like a photo. */
async function drawPhoto(width: number, height: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  const gradient = context.createLinearGradient(0, 0, width, height);
  for (let i = 0; i <= 20; i++) gradient.addColorStop(i / 20, `hsl(${i * 47} 70% ${30 + ((i * 13) % 50)}%)`);
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
  for (let i = 0; i < 2000; i++) {
    context.fillStyle = `hsl(${i * 77} 60% 50% / 0.5)`;
    context.fillRect((i * 7919) % width, (i * 104_729) % height, 3 + (i % (width / 20)), 3 + (i % (height / 20)));
  }
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
}
