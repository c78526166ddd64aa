/**
 * One system in a Node process of its own: answers what `node.ts` asks.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
// In a bundle for Node it is not beside the library.
import '../src/annexes/entries/host.ts';
import { loadViT, type ViT } from '../src/index.ts';
import { goldenPixels } from '../src/model/golden.ts';
import type { Manifest } from '../src/weights/manifest.ts';
import { Clock } from './clock.ts';
import { requestAdapter, startDawn } from './dawn.ts';
import { kernelsOf } from './kernels-of.ts';
import type { Options } from './options.ts';
import { measurePeaks } from './peaks.ts';
import { requireFirst } from './peers.ts';

export type SystemName = keyof typeof TIERS | 'ort-webgpu' | 'ort-cpu';

/**
 * What the library is given of the adapter's optional features: all that there are, or those of one tier; and how it is to
 * keep weights, where that is the tier. Tuning decides what is used of it; on software adapters never matrices.
 */
interface Tier {
  features: string[] | null;
  dtype?: Options['dtype'];
}

const TIERS = {
  ours: { features: null },
  'ours-f32': { features: [], dtype: 'f32' },
  'ours-f16': { features: ['shader-f16'], dtype: 'f16' },
  'ours-subgroups': { features: ['subgroups'], dtype: 'f32' },
  'ours-matrix': { features: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'], dtype: 'f16' },
} satisfies Record<string, Tier>;

export type Call =
  /** Nothing: the answer shows that the process has started. */
  | { ask: 'start' }
  | { ask: 'peaks' }
  | { ask: 'open'; folder: string; shape: number[] }
  | { ask: 'run'; images: number }
  | { ask: 'kernels' };

export interface Reply {
  result?: unknown;
  error?: string;
}

/** Pixels of a batch to the logits of its images. */
type Forward = (pixels: Float32Array<ArrayBuffer>, shape: number[]) => Promise<Float32Array>;

/** Answers until the process is ended. */
export function answer(system: SystemName, adapterName: string, dtype: Options['dtype']): void {
  let forward: Forward;
  let imageShape: number[];
  let vit: ViT | undefined;
  const answers = {
    start: async () => null,
    peaks: async () => {
      const { device, adapter, software } = await requestDevice(adapterName, []);
      return { adapter, software, peaks: await measurePeaks(device) };
    },
    async open({ folder, shape }: Call & { ask: 'open' }) {
      imageShape = shape;
      const input = goldenPixels(1, [1, ...shape]);
      const clock = new Clock();
      const open = system in TIERS ? openLibrary : openOnnx;
      const opened = await open(folder, clock, { adapterName, dtype, system });
      ({ forward, vit } = opened);
      const logits = await forward(input, [1, ...shape]);
      clock.lap('first run');
      return { stages: clock.stages, logits: [...logits], remark: opened.remark };
    },
    async run({ images }: Call & { ask: 'run' }) {
      const shape = [images, ...imageShape];
      const pixels = goldenPixels(1, shape);
      const start = performance.now();
      await forward(pixels, shape);
      return performance.now() - start;
    },
    kernels: async () => vit && kernelsOf(vit, new ImageData(new Uint8ClampedArray(4), 1, 1)),
  };
  process.on('message', async (call: Call) => {
    try {
      process.send!({ result: await answers[call.ask](call as never) } satisfies Reply);
    } catch (error) {
      process.send!({ error: (error as Error).message } satisfies Reply);
    }
  });
}

interface Settings {
  adapterName: string;
  dtype: Options['dtype'];
  system: SystemName;
}

interface Opened {
  forward: Forward;
  /** Of this library. */
  vit?: ViT;
  remark: string;
}

/** What a page has and Node has not. */
class PixelData {
  constructor(data: Uint8ClampedArray, width: number, height: number) {
    Object.assign(this, { data, width, height });
  }
}
Object.assign(globalThis, { ImageData: PixelData });

async function openLibrary(folder: string, clock: Clock, { adapterName, dtype, system }: Settings): Promise<Opened> {
  const tier: Tier = TIERS[system as keyof typeof TIERS];
  const requested = await requestDevice(adapterName, tier.features);
  let device: GPUDevice | undefined = requested.device;
  if (system === 'ours-matrix') {
    // Only an adapter lists its matrices: the library must ask for the device itself.
    device.destroy();
    device = undefined;
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: startDawn() } });
  }
  clock.lap('device');
  const manifest: Manifest = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
  const shards: Uint8Array<ArrayBuffer>[] = [];
  for (const { file } of manifest.shards) shards.push(new Uint8Array(await readFile(join(folder, file))));
  clock.lap('files');
  const options = { worker: false, device, backend: 'webgpu', dtype: tier.dtype ?? dtype } as const;
  const ended: Record<string, string> = { compile: 'weights' };
  const vit = await loadViT(
    { manifest, shards },
    {
      ...options,
      onProgress({ stage }) {
        if (ended[stage]) clock.lap(ended[stage]);
        delete ended[stage];
      },
    },
  );
  clock.lap('compile and check');
  const memory = await vit.memory();
  return {
    forward: async (data, shape) => (await vit.forward({ data, shape })).logits!.data,
    vit,
    remark: `${vit.info.dtype}, ${(memory.gpu / 2 ** 20).toFixed(1)} MiB on the adapter`,
  };
}

async function openOnnx(folder: string, clock: Clock, { system }: Settings): Promise<Opened> {
  const ort = requireFirst('onnxruntime-node');
  clock.lap('script');
  const executionProviders = [system === 'ort-webgpu' ? 'webgpu' : 'cpu'];
  // Errors only: it warns of every shape that it computes on the CPU.
  const options = { executionProviders, logSeverityLevel: 3 };
  const session = await ort.InferenceSession.create(join(folder, 'model.onnx'), options);
  clock.lap('session');
  return {
    async forward(pixels, shape) {
      const { logits } = await session.run({ pixel_values: new ort.Tensor('float32', pixels, shape) });
      return logits.data;
    },
    remark: ort.env.versions.node ?? ort.env.versions.common,
  };
}

/** @param features of the device; null for every one that a tier could use */
async function requestDevice(adapterName: string, features: string[] | null) {
  const adapter = await requestAdapter(adapterName);
  const { vendor, architecture, description, device: model } = adapter.info;
  const text = [...new Set([vendor, architecture, model, description])].filter(Boolean).join(' ');
  const requiredFeatures = (features ??
    TIERS['ours-matrix'].features.filter((name) => adapter.features.has(name))) as GPUFeatureName[];
  const missing = requiredFeatures.filter((name) => !adapter.features.has(name));
  if (missing.length > 0) throw new Error(`${text} has no ${missing.join(', ')}`);
  return {
    device: await adapter.requestDevice({ requiredFeatures }),
    adapter: text,
    software: /swiftshader|llvmpipe|lavapipe/i.test(text),
  };
}
