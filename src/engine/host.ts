/**
 * The engine behind the interface its caller sees: one model, from its files to its answers. It lives in a worker or in
 * the caller's own thread, and does not know which.
 */
import { ViTError } from '../error.ts';
import { Gpu } from '../gpu/device.ts';
import { decodeImage, type Picture } from '../image/decode.ts';
import { goldenOutput, goldenPixels } from '../model/golden.ts';
import { type Plan, planViT } from '../model/plan.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { parameterCount } from '../model/tensors.ts';
import { rgbOnCpu } from '../reference/preprocess.ts';
import { fetchManifest, fetchShards } from '../weights/download.ts';
import { goldenValues, type Manifest } from '../weights/manifest.ts';
import { ModelCache } from '../weights/model-cache.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { TensorAssembler } from '../weights/tensors.ts';
import { verify } from '../weights/verify.ts';
import {
  type EngineEvent,
  type EngineInterface,
  type EngineOptions,
  type ImageResults,
  type Memory,
  type ModelFiles,
  type ModelInfo,
  type OutputName,
  type Outputs,
  type Progress,
  packError,
  type RgbImage,
  type SelfTest,
  type Tensor,
  type Timing,
  type WireImage,
} from '../worker/wire.ts';
import type { Backend, InputData, Wanted } from './backend.ts';
import { CpuBackend } from './cpu-backend.ts';
import { GpuBackend } from './gpu-backend.ts';
import { joinOutputs, requireOutputs } from './outputs.ts';

interface Loaded {
  manifest: Manifest;
  plan: Plan;
  backend: Backend;
}

export class EngineHost implements EngineInterface {
  #loaded: Loaded | null = null;
  readonly #disposed = new AbortController();

  async load(
    source: string | ModelFiles,
    options: EngineOptions,
    notify: (message: Progress | EngineEvent) => void,
  ): Promise<ModelInfo> {
    const { signal } = this.#disposed;
    const fromUrl = typeof source === 'string';
    const warn = (message: string) => notify({ type: 'warning', message });
    const cache = fromUrl && options.cache !== false ? await ModelCache.open(warn) : null;
    const manifest = fromUrl
      ? await fetchManifest(source, cache, signal)
      : parseManifest(source.manifest, 'The manifest');
    const total = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
    let loaded = 0;
    const report = (stage: Progress['stage']) => notify({ stage, loaded, total });
    report('manifest');

    const plan = planViT(manifest.architecture);
    const { backend, fallbackReason } = await openBackend(plan, manifest.preprocess, options);
    try {
      const onBytes = (count: number) => {
        loaded += count;
        report('weights');
      };
      const shards = fromUrl
        ? fetchShards(source, manifest, cache, onBytes, signal)
        : readShards(source as ModelFiles, manifest, onBytes);
      const tensors = new TensorAssembler(manifest, (piece) => backend.addPiece(piece));
      for await (const shard of shards) {
        throwIfDisposed(signal);
        tensors.addShard(shard);
      }
      report('compile');
      await backend.ready();
      throwIfDisposed(signal);
    } catch (error) {
      backend.destroy();
      throw error;
    }
    this.#loaded = { manifest, plan, backend };
    report('ready');
    return {
      name: manifest.name,
      architecture: manifest.architecture,
      labels: manifest.labels,
      problemType: manifest.problemType,
      backend: backend.name,
      dtype: 'f32',
      adapter: backend.adapter,
      parameters: parameterCount(manifest.architecture),
      bytes: total,
      maxBatch: backend.maxBatch('images', { outputs: [] }),
      fallbackReason,
    };
  }

  async runImages(images: WireImage[], outputs: OutputName[]): Promise<ImageResults> {
    const { preprocess: spec } = this.#model().manifest;
    const start = performance.now();
    let decode = 0;
    let preprocess = 0;
    const failures: ImageResults['failures'] = [];
    const use = async (image: number, use: (picture: Picture) => void) => {
      const start = performance.now();
      const picture = await decodeImage(images[image], spec).catch((error) => {
        if (images.length === 1) throw error;
        // One picture that is none does not spoil the others' batch.
        failures.push({ image, error: packError(error) });
      });
      if (!picture) return;
      const decoded = performance.now();
      try {
        use(picture);
      } finally {
        // Decoded here, or moved here by the caller: nobody else will close it.
        if ('close' in picture) picture.close();
      }
      decode += decoded - start;
      preprocess += performance.now() - decoded;
    };
    const result = await this.#run('images', images.length, { outputs }, (first) => ({
      usePicture: (index, consume) => use(first + index, consume),
    }));
    requireFinite(result);
    const timing = { decode, preprocess, run: performance.now() - start - decode - preprocess };
    return { outputs: result, timing, failures };
  }

  async runPixels(pixels: Tensor, outputs: OutputName[]): Promise<{ outputs: Outputs; timing: Timing }> {
    const { plan } = this.#model();
    const { channels, imageSize } = plan.architecture;
    const batch = pixels.shape[0];
    const expected = [batch, channels, ...imageSize];
    const fits = pixels.shape.length === 4 && expected.every((size, i) => pixels.shape[i] === size);
    if (!fits || !Number.isInteger(batch) || batch < 1) {
      const [height, width] = imageSize;
      throw new ViTError(
        'bad-input',
        `The pixels have the shape [${pixels.shape}]; this model takes [batch, ${channels}, ${height}, ${width}].`,
      );
    }
    if (pixels.data.length !== batch * pixelCount(plan)) {
      throw new ViTError(
        'bad-input',
        `There are ${pixels.data.length} pixels for the shape [${pixels.shape}], which takes ${batch * pixelCount(plan)}.`,
      );
    }
    const start = performance.now();
    const result = await this.#runPixels(pixels.data, batch, { outputs });
    return { outputs: result, timing: { decode: 0, preprocess: 0, run: performance.now() - start } };
  }

  async preprocess(image: WireImage, spec?: Preprocess): Promise<RgbImage> {
    const { manifest } = this.#model();
    try {
      return await rgbOnCpu(image, spec ?? manifest.preprocess);
    } finally {
      if ('close' in image) image.close();
    }
  }

  async selfTest(): Promise<SelfTest> {
    const { manifest, plan } = this.#model();
    const { channels, imageSize } = plan.architecture;
    const name = goldenOutput(plan.architecture);
    const golden = goldenValues(manifest.golden);
    const pixels = goldenPixels(manifest.golden.seed, [1, channels, ...imageSize]);
    const computed = (await this.#runPixels(pixels, 1, { outputs: [name] }))[name]!.data;
    const maxError = golden.reduce((max, value, i) => Math.max(max, Math.abs(value - computed[i])), 0);
    // The network in f32 errs by 1e-5 of the largest logit (ViT-Tiny: 2e-5); a wrong kernel by far more than 1e-4.
    const tolerance = 1e-4 * Math.max(1, ...golden.map(Math.abs));
    return { passed: maxError <= tolerance, maxError, tolerance };
  }

  async memory(): Promise<Memory> {
    return this.#model().backend.memory();
  }

  async dispose(): Promise<void> {
    this.#disposed.abort();
    this.#loaded?.backend.destroy();
    this.#loaded = null;
  }

  #model(): Loaded {
    throwIfDisposed(this.#disposed.signal);
    if (!this.#loaded) throw new ViTError('bad-input', 'No model is loaded yet.');
    return this.#loaded;
  }

  async #runPixels(pixels: Float32Array<ArrayBuffer>, images: number, wanted: Wanted): Promise<Outputs> {
    const size = pixelCount(this.#model().plan);
    const outputs = await this.#run('images', images, wanted, (first, batch) => ({
      pixels: pixels.subarray(first * size, (first + batch) * size),
    }));
    requireFinite(outputs, pixels);
    return outputs;
  }

  /** Runs any number of images or texts, in batches that the backend takes; `inputOf` gives each its input. */
  async #run(
    of: 'images' | 'texts',
    count: number,
    wanted: Wanted,
    inputOf: (first: number, batch: number) => InputData,
  ): Promise<Outputs> {
    const { plan, backend } = this.#model();
    requireOutputs(wanted.outputs, plan.architecture);
    const parts: Outputs[] = [];
    let most = backend.maxBatch(of, wanted);
    for (let first = 0; first < count; ) {
      const batch = Math.min(most, count - first);
      const part = await backend.run({ batch, ...inputOf(first, batch) }, wanted).catch((error) => {
        if (error.code !== 'out-of-memory' || batch === 1) throw error;
      });
      // No picture has been taken yet where memory was short, and half as many may fit.
      if (!part) most = batch >> 1;
      else {
        parts.push(part);
        first += batch;
      }
    }
    return joinOutputs(parts);
  }
}

async function openBackend(
  plan: Plan,
  spec: Preprocess,
  { backend = 'auto', powerPreference, device }: EngineOptions,
): Promise<{ backend: Backend; fallbackReason: string | null }> {
  if (backend === 'cpu') return { backend: new CpuBackend(plan, spec), fallbackReason: null };
  let gpu: Gpu;
  try {
    gpu = device ? new Gpu(device) : await Gpu.request(powerPreference);
  } catch (error) {
    if (backend === 'webgpu' || !(error instanceof ViTError) || error.code !== 'no-webgpu') throw error;
    return { backend: new CpuBackend(plan, spec), fallbackReason: error.message };
  }
  return { backend: await GpuBackend.create(gpu, plan, spec), fallbackReason: null };
}

async function* readShards({ shards }: ModelFiles, manifest: Manifest, onBytes: (count: number) => void) {
  if (shards.length !== manifest.shards.length) {
    throw new ViTError('bad-shard', `There are ${shards.length} shards; the manifest has ${manifest.shards.length}.`);
  }
  for (const [index, entry] of manifest.shards.entries()) {
    const shard = await verify(shards[index], entry);
    onBytes(shard.length);
    yield shard;
  }
}

function pixelCount({ architecture: { channels, imageSize } }: Plan): number {
  return channels * imageSize[0] * imageSize[1];
}

function throwIfDisposed(signal: AbortSignal): void {
  if (signal.aborted) throw new ViTError('disposed', 'The model was disposed; load it again.');
}

/** @throws ViTError `bad-input` where the pixels were at fault, `numeric` where the arithmetic was */
function requireFinite(outputs: Outputs, pixels?: Float32Array): void {
  if (Object.values(outputs).every(({ data }) => data.every(Number.isFinite))) return;
  if (pixels && !pixels.every(Number.isFinite)) throw new ViTError('bad-input', 'The pixels hold NaN or infinity.');
  throw new ViTError('numeric', 'The network computed NaN or infinity: its weights or this GPU are at fault.');
}
