/**
 * A model on whatever computes it, for as long as it is needed. When the GPU is lost the model is loaded again, on another
 * device or on the CPU, and the job that was under way is done again: its caller notices nothing but the time.
 */

import type { Backend } from '../backend.ts';
import { CpuBackend } from '../cpu/cpu-backend.ts';
import { ViTError } from '../error.ts';
import { adapterInfo } from '../gpu/adapter.ts';
import { Gpu } from '../gpu/device.ts';
import { variantName } from '../gpu/kernel.ts';
import type { EngineEvent, EngineOptions, Memory, ModelFiles, ModelInfo, Progress, SelfTest } from '../interface.ts';
import type { WeightStorage } from '../kernels/matmul.ts';
import type { Architecture } from '../model/architecture.ts';
import { type Plan, planViT } from '../model/plan.ts';
import { parameterCount } from '../model/tensors.ts';
import { fetchManifest, fetchShards } from '../weights/download.ts';
import { atImageSize, resampling } from '../weights/image-size.ts';
import type { Manifest } from '../weights/manifest.ts';
import { ModelCache } from '../weights/model-cache.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { TensorAssembler } from '../weights/tensors.ts';
import { sha256, verify } from '../weights/verify.ts';
import { checkPicture, replayGolden } from './check/self-test.ts';
import { GpuBackend } from './gpu-backend.ts';

/** Milliseconds between requests for another GPU; its process may be starting again. */
const PAUSES = [100, 300, 600];

export class Session {
  /** At the image size that is wanted, which may not be that of its files. */
  readonly manifest: Manifest;
  readonly plan: Plan;
  /** What the files hold. */
  readonly #stored: Architecture;
  readonly #source: string | ModelFiles;
  readonly #options: EngineOptions;
  readonly #cache: ModelCache | null;
  readonly #notify: (message: Progress | EngineEvent) => void;
  readonly #signal: AbortSignal;
  /** Null between the loss of a GPU and whatever takes its place. */
  #backend: Backend | null = null;
  #fallbackReason: string | null = null;
  /** Variants of kernels that this GPU computes wrongly, by `variantName`: simpler ones take their place. */
  readonly #without = new Set<string>();

  /**
   * @param signal ends loading, now and later
   * @throws ViTError those of `loadViT`. Nothing stays allocated.
   */
  static async open(
    source: string | ModelFiles,
    options: EngineOptions,
    notify: (message: Progress | EngineEvent) => void,
    signal: AbortSignal,
  ): Promise<Session> {
    const warn = (message: string) => notify({ type: 'warning', message });
    const fromUrl = typeof source === 'string';
    const cache = fromUrl && options.cache !== false ? await ModelCache.open(warn) : null;
    const manifest = fromUrl
      ? await fetchManifest(source, cache, signal)
      : parseManifest(source.manifest, 'The manifest');
    const session = new Session(source, manifest, options, cache, notify, signal);
    await session.#load();
    return session;
  }

  private constructor(
    source: string | ModelFiles,
    manifest: Manifest,
    options: EngineOptions,
    cache: ModelCache | null,
    notify: (message: Progress | EngineEvent) => void,
    signal: AbortSignal,
  ) {
    this.manifest = options.imageSize ? atImageSize(manifest, options.imageSize) : manifest;
    this.plan = planViT(this.manifest.architecture);
    this.#stored = manifest.architecture;
    this.#source = source;
    this.#options = options;
    this.#cache = cache;
    this.#notify = notify;
    this.#signal = signal;
  }

  /** Whether the manifest's golden is of this model: one at another image size computes something else. */
  get hasGolden(): boolean {
    return String(this.#stored.imageSize) === String(this.manifest.architecture.imageSize);
  }

  get info(): ModelInfo {
    const { manifest } = this;
    const backend = this.#backend!;
    return {
      name: manifest.name,
      architecture: manifest.architecture,
      preprocess: manifest.preprocess,
      labels: manifest.labels,
      problemType: manifest.problemType,
      calibration: manifest.calibration ?? null,
      backend: backend.name,
      dtype: backend.storage,
      adapter: backend.adapter,
      parameters: parameterCount(manifest.architecture),
      bytes: this.#bytes,
      maxBatch: backend.maxBatch('images', { outputs: [] }),
      fallbackReason: this.#fallbackReason,
    };
  }

  memory(): Memory {
    const { gpu, cpu } = this.#backend?.memory() ?? { gpu: 0, cpu: 0 };
    // What was given in memory stays there: a lost GPU is filled from it again.
    return { gpu, cpu: cpu + (typeof this.#source === 'string' ? 0 : this.#bytes) };
  }

  /**
   * @param job may be started again, after a loss, and when f16 was too small for its numbers
   * @throws ViTError `device-lost` when there is no GPU any more and the CPU was not allowed, or the model could not be
   *   loaded again: a later call tries once more; what `job` throws
   */
  async run<T>(job: (backend: Backend) => Promise<T>): Promise<T> {
    for (let losses = 0; ; ) {
      this.#throwIfDisposed();
      const backend = this.#backend ?? (await this.#replace(losses > 1));
      try {
        return await job(backend);
      } catch (error) {
        this.#throwIfDisposed();
        if ((error as ViTError).code === 'numeric' && (await this.#dropHalves(backend))) continue;
        if (!(await this.#isReplaceable(backend, error))) throw error;
        this.#backend = null;
        backend.destroy();
        this.#notify({ type: 'device-lost', message: (error as Error).message });
        // Once more on a GPU, and then never again for this job.
        if (++losses > 1 && this.#options.backend === 'webgpu') throw error;
      }
    }
  }

  /** Everything that is tested once per GPU, and every kernel, now. */
  async selfTest(): Promise<SelfTest> {
    if (!this.hasGolden) {
      throw new ViTError('bad-input', 'The golden is of another image size: load the model without imageSize.');
    }
    return this.run(async (backend) => {
      const golden = await replayGolden(backend, this.manifest, this.plan, this.#options.dtype);
      const kernels = backend instanceof GpuBackend ? await backend.checkKernels() : [];
      return { ...golden, passed: golden.passed && kernels.every(({ passed }) => passed), kernels };
    });
  }

  destroy(): void {
    this.#backend?.destroy();
    this.#backend = null;
  }

  get #bytes(): number {
    return this.manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The first time. */
  async #load(): Promise<void> {
    const total = this.#bytes;
    let loaded = 0;
    const report = (stage: Progress['stage']) => this.#notify({ stage, loaded, total });
    report('manifest');
    const onBytes = (count: number) => {
      // After a loss the bytes come again.
      loaded = Math.min(total, loaded + count);
      report('weights');
    };
    const { backend: wanted = 'auto' } = this.#options;
    let gpu: Gpu | null = null;
    if (wanted !== 'cpu') {
      try {
        gpu = await this.#openGpu();
      } catch (error) {
        if (wanted === 'webgpu' || (error as ViTError).code !== 'no-webgpu') throw error;
        this.#fallbackReason = (error as ViTError).message;
      }
    }
    try {
      this.#backend = await this.#fill(gpu, onBytes, () => report('compile'));
    } catch (error) {
      const { code, message } = error as ViTError;
      if (code === 'device-lost' && !this.#options.device) {
        this.#notify({ type: 'device-lost', message });
        await this.#replace();
      } else if (code === 'numeric' && wanted === 'auto') await this.#distrustGpu(error as ViTError);
      else throw error;
    }
    report('ready');
  }

  async #openGpu(): Promise<Gpu> {
    const { device, powerPreference } = this.#options;
    return device ? new Gpu(device) : Gpu.request(powerPreference);
  }

  /** Only a GPU, and one that was ours to take. */
  async #isReplaceable(backend: Backend, error: unknown): Promise<boolean> {
    return !this.#options.device && (await backend.isLost(error));
  }

  /** After a loss: on another GPU or, where that is allowed and there is none, on the CPU. */
  async #replace(cpuOnly = false): Promise<Backend> {
    let cause: unknown;
    if (!cpuOnly) {
      try {
        const gpu = await this.#openAnotherGpu();
        this.#backend = await this.#fill(gpu);
        this.#tell('recovered', 'The model is on a GPU again.');
        return this.#backend;
      } catch (error) {
        this.#throwIfDisposed();
        cause = error;
      }
    }
    const why = cause ? (cause as Error).message : 'It was lost twice.';
    try {
      // Weights that cannot be had for a GPU cannot be had for the CPU.
      if (this.#options.backend === 'webgpu' || /network|bad-shard/.test((cause as ViTError)?.code)) throw cause;
      this.#backend = await this.#fill(null);
    } catch (cause) {
      this.#throwIfDisposed();
      throw new ViTError('device-lost', `The GPU was lost, and the model could not be loaded again: ${why}`, { cause });
    }
    this.#fallbackReason = `The GPU was lost. ${why}`;
    this.#tell('fallback', this.#fallbackReason);
    return this.#backend;
  }

  /** On the CPU, if that computes what the GPU does not. Where it does not either, the model is at fault. */
  async #distrustGpu(error: ViTError): Promise<void> {
    const cpu = await this.#fill(null);
    if (this.hasGolden && !(await replayGolden(cpu, this.manifest, this.plan, this.#options.dtype)).passed) {
      cpu.destroy();
      const message = `${this.manifest.name} gives something else than its golden, on the CPU too. Convert it again.`;
      throw new ViTError('numeric', message, { cause: error });
    }
    this.#backend = cpu;
    this.#fallbackReason = error.message;
    this.#tell('fallback', error.message);
  }

  async #openAnotherGpu(): Promise<Gpu> {
    for (const pause of PAUSES) {
      try {
        return await this.#openGpu();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pause));
        this.#throwIfDisposed();
      }
    }
    return this.#openGpu();
  }

  /** A backend on `gpu` or, without one, on the CPU, with all weights, proven and warmed up; or nothing at all. */
  async #fill(
    gpu: Gpu | null,
    onBytes: (count: number) => void = () => {},
    onWeights: () => void = () => {},
  ): Promise<Backend> {
    const { manifest, plan } = this;
    const complete = async (backend: Backend) => {
      await this.#addWeights(backend, onBytes);
      onWeights();
      await backend.ready();
    };
    if (!gpu) {
      const backend = new CpuBackend(plan, manifest.preprocess);
      return this.#orNothing(backend, async () => {
        await complete(backend);
        return backend;
      });
    }
    const key = await this.#proofKey(gpu);
    const proof = await this.#cache?.proof(key);
    for (const name of proof ?? []) this.#without.add(name);
    for (let current = gpu; ; current = await this.#openGpu()) {
      const backend = await GpuBackend.create(current, plan, manifest.preprocess, {
        storage: this.#storageOn(current),
        halfOperands: this.#options.dtype === 'f16',
        without: this.#without,
        tuned: await this.#cache?.tuning(key),
        onTuned: (batchClass, choices) => this.#cache?.keepTuning(key, { [batchClass]: choices }),
      });
      const wrong = await this.#orNothing(backend, async () => {
        await complete(backend);
        const wrong = proof ? [] : await this.#wrongVariants(backend);
        if (wrong.length > 0) return wrong;
        if (!proof) await this.#prove(backend, key);
        await backend.warmUp();
        this.#throwIfDisposed();
        return wrong;
      });
      if (wrong.length === 0) return backend;
      // With simpler kernels, which may want their weights laid out another way.
      backend.destroy();
      for (const name of wrong) this.#without.add(name);
    }
  }

  async #addWeights(backend: Backend, onBytes: (count: number) => void): Promise<void> {
    const { manifest } = this;
    const source = this.#source;
    const shards =
      typeof source === 'string'
        ? fetchShards(source, manifest, this.#cache, onBytes, this.#signal)
        : readShards(source, manifest, onBytes);
    const addPiece = resampling(this.#stored, manifest.architecture, (piece) => backend.addPiece(piece));
    const tensors = new TensorAssembler(manifest, addPiece);
    for await (const shard of shards) {
      this.#throwIfDisposed();
      tensors.addShard(shard);
    }
  }

  /** What `work` returns; when it throws, nothing of `backend` is left, and a loss is called one. */
  async #orNothing<T>(backend: Backend, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isLost = !this.#signal.aborted && (await backend.isLost(error));
      backend.destroy();
      if (!isLost || (error as ViTError).code === 'device-lost') throw error;
      throw new ViTError('device-lost', 'The GPU was lost while the model was loading.', { cause: error });
    }
  }

  /** f16 where that is what the files hold, so that nothing is lost, or where it is wished for; never where it cannot be. */
  #storageOn({ device }: Gpu): WeightStorage {
    const { dtype = 'auto' } = this.#options;
    const isHalf = Object.values(this.manifest.tensors).some((tensor) => tensor.dtype === 'f16');
    const wanted = dtype === 'f16' || (dtype === 'auto' && isHalf);
    return wanted && device.features.has('shader-f16') ? 'f16' : 'f32';
  }

  /** The same for a GPU, browser, model and version of the shaders; what was found out then holds now. */
  async #proofKey(gpu: Gpu): Promise<string> {
    const { shards, golden, preprocess } = this.manifest;
    const code = GpuBackend.codeFor(this.plan, this.#storageOn(gpu));
    const subject = [globalThis.navigator?.userAgent, adapterInfo(gpu.info), shards, golden, preprocess, code];
    return sha256(new TextEncoder().encode(JSON.stringify(subject)));
  }

  /**
   * Variants of kernels that compute something else than the CPU, by `variantName`.
   * @throws ViTError `numeric`, naming a kernel that nothing can take the place of
   */
  async #wrongVariants(backend: GpuBackend): Promise<string[]> {
    const wrong = (await backend.checkKernels()).filter(({ passed }) => !passed);
    const last = wrong.find((check) => {
      const name = variantName(check);
      return name === null || this.#without.has(name);
    });
    if (last) {
      throw new ViTError('numeric', `This GPU computes something else in the kernel ${last.kernel} (${last.step}).`);
    }
    const names = [...new Set(wrong.map((check) => variantName(check)!))];
    for (const name of names) {
      const message = `This GPU computes something else in the kernel ${name}; a simpler one takes its place.`;
      this.#notify({ type: 'warning', message });
    }
    return names;
  }

  /**
   * Whether all kernels together give the manifest's golden, and pictures reach the network as they should: what is wrong on
   * the way to the network is left to the CPU.
   * @throws ViTError `numeric`
   */
  async #prove(backend: GpuBackend, key: string): Promise<void> {
    const { manifest, plan } = this;
    if (this.hasGolden) {
      const { passed, maxError, tolerance } = await replayGolden(backend, manifest, plan, this.#options.dtype);
      if (!passed) {
        const size = `off by ${maxError}, allowed ${tolerance}`;
        throw new ViTError('numeric', `This GPU computes something else than the model's converter did: ${size}.`);
      }
    }
    if (backend.resizesOnGpu && !(await checkPicture(backend, manifest, plan)).passed) {
      await backend.resizeOnCpu();
      this.#notify({ type: 'warning', message: 'This GPU resizes pictures wrongly; the processor does it instead.' });
      return;
    }
    await this.#cache?.keepProof(key, [...this.#without]);
  }

  /** Loads the model again, for f32. @returns whether there was anything in f16 */
  async #dropHalves(backend: Backend): Promise<boolean> {
    if (!(backend instanceof GpuBackend)) return false;
    const halves = backend.variants.filter((name) => name.includes('f16'));
    if (halves.length === 0) return false;
    for (const name of halves) this.#without.add(name);
    this.#backend = null;
    backend.destroy();
    this.#backend = await this.#fill(await this.#openAnotherGpu());
    this.#tell('warning', 'The numbers of this model are too large for f16; from now on it runs in f32.');
    return true;
  }

  #tell(type: EngineEvent['type'], message: string): void {
    this.#notify({ type, message, info: this.info });
  }

  #throwIfDisposed(): void {
    if (this.#signal.aborted) throw new ViTError('disposed', 'The model was disposed; load it again.');
  }
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
