/**
 * The browser's part: loads one system in this page and runs it when asked. Everything else stays outside, in Node.
 */
import type * as Library from '../src/index.ts';
import { goldenPixels } from '../src/model/golden.ts';
import { Clock } from './clock.ts';
import type { FirstResult } from './contender.ts';
import { corePeaks } from './core-peaks.ts';
import { kernelsOf } from './kernels-of.ts';
import { measureMatmuls } from './matmul-page.ts';
import { measurePeaks } from './peaks.ts';

type Loaded = Omit<FirstResult, 'scriptBytes' | 'weightBytes'>;

/** Pixels of a batch to the logits of its images. */
let forward: ((pixels: Float32Array<ArrayBuffer>, shape: number[]) => Promise<Float32Array>) | undefined;
let imageShape: number[] = [];
/** This library's model. */
let vit: Library.ViT | undefined;
const inputs = new Map<number, Float32Array<ArrayBuffer>>();

/** This library, built as it is published. */
async function openLibrary(url: string, shape: number[], options: object): Promise<Loaded> {
  imageShape = shape;
  const input = inputOf(1);
  const clock = new Clock();
  const { loadViT }: typeof Library = await import(/* @vite-ignore */ url);
  clock.lap('script');
  /** What has just ended when loading reports a stage for the first time. */
  const ended: Record<string, string> = { manifest: 'manifest', compile: 'weights' };
  const loaded = await loadViT('/model/model.json', {
    backend: 'webgpu',
    ...options,
    onProgress({ stage }) {
      if (ended[stage]) clock.lap(ended[stage]);
      delete ended[stage];
    },
  });
  clock.lap('compile and check');
  vit = loaded;
  forward = async (pixels, batchShape) => (await loaded.forward({ data: pixels, shape: batchShape })).logits!.data;
  const logits = await forward(input, [1, ...shape]);
  clock.lap('first run');
  const { adapter, dtype, cpu } = loaded.info;
  const memory = await loaded.memory();
  const where = cpu ? `${threadsOf(cpu.threads)}, ${cpu.simd} SIMD` : adapter?.architecture || adapter?.vendor;
  const remark = `${dtype}, ${((memory.gpu + memory.cpu) / 2 ** 20).toFixed(1)} MiB on ${where}`;
  return { stages: clock.stages, logits: [...logits], remark };
}

/** onnxruntime-web, from its own bundle. @param threads of WASM; its own default where it is null */
async function openOnnx(
  url: string,
  shape: number[],
  provider: 'webgpu' | 'wasm',
  threads: number | null,
): Promise<Loaded> {
  imageShape = shape;
  const input = inputOf(1);
  const clock = new Clock();
  const ort = await import(/* @vite-ignore */ url);
  if (threads !== null) ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL('.', new URL(url, location.href)).href;
  clock.lap('script');
  const session = await ort.InferenceSession.create('/model/model.onnx', { executionProviders: [provider] });
  clock.lap('session');
  forward = async (pixels, batchShape) => {
    const { logits } = await session.run({ pixel_values: new ort.Tensor('float32', pixels, batchShape) });
    return logits.data;
  };
  const logits = await forward(input, [1, ...shape]);
  clock.lap('first run');
  const remark = provider === 'wasm' ? threadsOf(ort.env.wasm.numThreads) : '';
  return { stages: clock.stages, logits: [...logits], remark: `${ort.env.versions.web} ${remark}`.trim() };
}

/** The weights of this library, fetched as it does, two files at a time, and dropped: what every load takes at least. */
async function fetchAlone(): Promise<Loaded> {
  const clock = new Clock();
  const { shards }: { shards: { file: string }[] } = await (await fetch('/model/model.json')).json();
  const fetchRest = async () => {
    for (let shard = shards.shift(); shard; shard = shards.shift()) {
      const reader = (await fetch(`/model/${shard.file}`, { cache: 'no-store' })).body!.getReader();
      while (!(await reader.read()).done);
    }
  };
  await Promise.all([fetchRest(), fetchRest()]);
  clock.lap('weights');
  return { stages: clock.stages, logits: [], remark: '' };
}

function threadsOf(count: number): string {
  return count === 1 ? '1 thread' : `${count} threads`;
}

/** @returns milliseconds */
async function run(images: number): Promise<number> {
  const pixels = inputOf(images);
  const start = performance.now();
  await forward!(pixels, [images, ...imageShape]);
  return performance.now() - start;
}

function inputOf(images: number): Float32Array<ArrayBuffer> {
  if (!inputs.has(images)) inputs.set(images, goldenPixels(1, [images, ...imageShape]));
  return inputs.get(images)!;
}

async function adapterPeaks() {
  const adapter = (await navigator.gpu.requestAdapter())!;
  const device = await adapter.requestDevice();
  const { vendor, architecture, description } = adapter.info;
  const peaks = await measurePeaks(device);
  device.destroy();
  return { adapter: [vendor, architecture, description].filter(Boolean).join(' '), peaks };
}

/** Of a model on a GPU. */
const kernels = async () => (vit?.info.adapter ? kernelsOf(vit, new ImageData(1, 1)) : undefined);

const bench = { openLibrary, openOnnx, fetchAlone, run, kernels, adapterPeaks, corePeaks, measureMatmuls };
export type PageBench = typeof bench;
Object.assign(globalThis, { bench });

/** What is to be loaded before anything from outside looks at this page. */
export type First =
  | { call: 'fetchAlone'; args: [] }
  | { call: 'openLibrary'; args: Parameters<typeof openLibrary> }
  | { call: 'openOnnx'; args: Parameters<typeof openOnnx> };
export type Said = { loaded: Loaded } | { error: string };

async function loadFirst({ call, args }: First): Promise<Said> {
  try {
    return { loaded: await (bench[call] as (...args: unknown[]) => Promise<Loaded>)(...args) };
  } catch (error) {
    return { error: String((error as Error).stack) };
  }
}

const asked = decodeURIComponent(location.hash.slice(1));
const said = asked ? await loadFirst(JSON.parse(asked)) : null;
await fetch('/said', { method: 'POST', body: JSON.stringify(said) });
