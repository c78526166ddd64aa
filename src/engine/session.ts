/**
 * A model on whatever computes it, for as long as it is needed. When the GPU or a thread is lost the model is loaded again, on another
 * device or by the next candidate, and the job that was under way is done again: its caller notices nothing but the time.
 */

import type { Annexes } from '../annexes/annexes.ts';
import type { Backend } from '../backend.ts';
import { ViTError } from '../error.ts';
import { geometry } from '../image/geometry.ts';
import { pixelsOf } from '../image/model-pixels.ts';
import type { EngineEvent, EngineOptions, Memory, ModelFiles, ModelInfo, Progress, SelfTest } from '../interface.ts';
import type { Plan } from '../model/plan.ts';
import { parameterCount } from '../model/tensors.ts';
import { ahead } from '../weights/ahead.ts';
import { Findings } from '../weights/findings.ts';
import type { LoadedManifest, ShardEntry } from '../weights/manifest.ts';
import { ModelCache } from '../weights/model-cache.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { type Part, partOf } from '../weights/part-of.ts';
import { type ModelSource, openSource } from '../weights/source.ts';
import { TensorAssembler, type TensorPiece } from '../weights/tensor-assembler.ts';
import { hexadecimal, type Sha256, sha256 } from '../weights/verify.ts';
import type { Candidate } from './candidate.ts';
import { candidatesFor } from './candidates.ts';
import type { SecondOpinion } from './check/second-opinion.ts';
import { replayGolden } from './check/self-test.ts';
import { imageTower, type Tower } from './check/tower.ts';
import type { Resizing } from './resizing.ts';
import type { Shapes } from './shapes.ts';

/** What a session is made of. */
interface Opening {
  source: ModelSource;
  /** At the image size that was asked for. */
  manifest: LoadedManifest;
  tower: Tower;
  /** Null where all pictures get the files' own image size. */
  resizing: Resizing | null;
  findings: Findings;
  options: EngineOptions;
  notify(message: Progress | EngineEvent): void;
  signal: AbortSignal;
  annexes: Annexes;
  /** Where no golden shows whether a GPU is right. */
  opinion?: SecondOpinion | false | null;
  /** Lets others of this thread have their turn. */
  rest?(): Promise<void> | undefined;
}

export class Session {
  /** At the image size that was asked for, which may not be that of its files. */
  readonly manifest: LoadedManifest;
  readonly plan: Plan;
  readonly #opening: Opening;
  /** What holds its tensors. */
  readonly #files: Part;
  /** Those that may still compute the model: the first one does so, or did before it was lost. */
  #candidates: Candidate[];
  /** Null between a loss and whatever takes its place. */
  #backend: Backend | null = null;
  #fallbackReason: string | null = null;
  /** Shards that nothing takes yet. */
  #arriving: AsyncIterableIterator<Uint8Array<ArrayBuffer>> | null = null;
  /** Bytes of the shards that have arrived; null once the model is ready: what comes after a loss is not reported. */
  #loaded: number | null = 0;

  /**
   * @param signal ends loading, now and later, with its reason
   * @throws ViTError those of `loadViT`. Nothing stays allocated.
   */
  static async open(
    source: string | ModelFiles | Blob[],
    options: EngineOptions,
    notify: (message: Progress | EngineEvent) => void,
    signal: AbortSignal,
    annexes: Annexes,
  ): Promise<Session> {
    const warn = (message: string) => notify({ type: 'warning', message });
    const settings = { ...options, hash: await findSha256(annexes), warn };
    if (!isCheckpoint(source) && (options.convert ?? options.hub)) {
      throw new ViTError('bad-input', 'convert and hub are for checkpoints: this model is converted already.');
    }
    const { backend = 'auto', device } = options;
    // What is surely needed is on its way while the manifest is.
    if (backend === 'cpu' || (backend === 'auto' && !device && !globalThis.navigator?.gpu)) {
      annexes.find('cpu').then((cpu) => cpu?.fetchKernels(annexes));
    }
    const opening = Findings.open(options.cache !== false);
    const converter = isCheckpoint(source) && (await annexes.need('convert'));
    const opened = converter
      ? await converter.openCheckpoint(source as string | Blob[], { ...settings, ModelCache, parseManifest })
      : openSource(source as string | ModelFiles, settings);
    const manifest = await opened.readManifest(signal);
    const { imageSize } = options;
    const isOther = imageSize ?? manifest.preprocess.resize?.mode === 'patches';
    const annex = isOther ? await annexes.need('image-size') : null;
    const resizing = annex && new annex.Resizing(manifest, imageSize, { geometry, pixelsOf });
    const sized = resizing?.manifest ?? manifest;
    const findings = await opening;
    const session = new Session({
      source: opened,
      manifest: sized,
      tower: imageTower(sized),
      resizing,
      findings,
      options,
      notify,
      signal,
      annexes,
      opinion: converter && new converter.SecondOpinion({ findings, options, notify, signal }),
    });
    await session.#load();
    return session;
  }

  private constructor(opening: Opening) {
    const { manifest, notify, tower } = opening;
    this.#opening = opening;
    this.manifest = manifest;
    this.plan = tower.planWith();
    this.#files = partOf(manifest, tower.has);
    this.#candidates = candidatesFor({
      ...opening,
      plan: this.plan,
      fill: (backend) => this.#fill(backend),
      warn: (message) => notify({ type: 'warning', message }),
    });
  }

  /** Another one of the same model, with weights, a backend and losses of its own. @throws ViTError those of `open` */
  async beside(changes: (opening: Opening) => Partial<Opening>): Promise<Session> {
    const session = new Session({ ...this.#opening, ...changes(this.#opening) });
    await session.#load();
    return session;
  }

  /** Null where all pictures get one size. */
  get shapes(): Shapes | null {
    return this.#opening.resizing?.shapes ?? null;
  }

  get info(): ModelInfo {
    const { manifest } = this;
    const backend = this.#backend!;
    return {
      name: manifest.name,
      source: manifest.source,
      architecture: manifest.architecture,
      preprocess: (this.#opening.resizing ?? manifest).preprocess,
      labels: manifest.labels,
      problemType: manifest.problemType,
      calibration: manifest.calibration ?? null,
      words: manifest.words ?? null,
      backend: backend.name,
      dtype: backend.storage,
      adapter: backend.adapter,
      cpu: backend.cpu ?? null,
      parameters: parameterCount(manifest.architecture),
      bytes: sizeOf(manifest),
      maxBatch: backend.maxBatch({ outputs: [] }),
      fallbackReason: this.#fallbackReason,
    };
  }

  /** @param withSource what is held of the model's files, too */
  memory(withSource = true): Memory {
    const { gpu, cpu } = this.#backend?.memory() ?? { gpu: 0, cpu: 0 };
    // What was given in memory stays there: after a loss the next backend is filled from it.
    return { gpu, cpu: withSource ? cpu + this.#opening.source.heldBytes : cpu };
  }

  /**
   * @param job may be started again, after a loss, and when f16 was too small for its numbers
   * @throws ViTError `device-lost` when there is no GPU any more and the CPU was not allowed, or the model could not be
   *   loaded again: a later call tries once more; what `job` throws
   */
  run<T>(job: (backend: Backend) => Promise<T>): Promise<T> {
    const { opinion } = this.#opening;
    return opinion ? opinion.during(() => this.#run(job)) : this.#run(job);
  }

  async #run<T>(job: (backend: Backend) => Promise<T>): Promise<T> {
    for (let losses = 0; ; ) {
      this.#opening.signal.throwIfAborted();
      const backend = this.#backend ?? (await this.#replace(losses > 1));
      try {
        return await job(backend);
      } catch (error) {
        this.#opening.signal.throwIfAborted();
        if ((error as ViTError).code === 'numeric' && (await this.#fallBackToF32(backend))) continue;
        const [current, next] = this.#candidates;
        if (!current.canReopen || !(await backend.isLost(error))) throw error;
        this.#backend = null;
        backend.destroy();
        this.#opening.notify({ type: 'device-lost', message: (error as Error).message });
        // Once more on a GPU, and then never again for this job.
        if (++losses > 1 && !next) throw error;
      }
    }
  }

  /** Files of the model, verified; each is valid until the next one is asked for. @throws ViTError those of `readShards` */
  readFiles(shards: ShardEntry[]): AsyncIterable<Uint8Array<ArrayBuffer>> {
    return this.#opening.source.readShards({ shards }, () => {}, this.#opening.signal);
  }

  /** Everything that is tested once per GPU, and every kernel, now. */
  async selfTest(): Promise<SelfTest> {
    const { tower, options, annexes } = this.#opening;
    const { checkEverything } = await annexes.need('reference');
    return this.run((backend) => checkEverything(backend, tower.golden(), options.dtype));
  }

  destroy(): void {
    this.#backend?.destroy();
    this.#backend = null;
  }

  /** The first time. */
  async #load(): Promise<void> {
    this.#report('manifest');
    // On their way while the hardware is asked for, and its kernels.
    this.#arriving = ahead(this.#readShards());
    try {
      await this.#openOneOf(this.#candidates);
    } finally {
      this.#arriving?.return?.();
    }
    this.#report('ready');
    this.#loaded = null;
  }

  /** Takes the first of `candidates` that works here. @throws ViTError where none does, or where another would not help */
  async #openOneOf(candidates: Candidate[]): Promise<void> {
    const [current, ...others] = candidates;
    try {
      this.#backend = await current.open();
      this.#candidates = candidates;
    } catch (error) {
      const { code, message } = error as ViTError;
      if (code === 'device-lost' && current.canReopen) {
        this.#candidates = candidates;
        this.#opening.notify({ type: 'device-lost', message });
        await this.#replace();
        return;
      }
      if (others.length === 0 || (code !== 'no-webgpu' && code !== 'numeric')) throw error;
      await this.#openOneOf(others);
      this.#fallbackReason = message;
      if (code === 'numeric') await this.#confirmFallback(error as ViTError);
    }
  }

  /** The backend that is used now must give the golden that `error` is about: if it does not either, the model is at fault. */
  async #confirmFallback(error: ViTError): Promise<void> {
    const replay = this.#opening.tower.golden();
    if (replay && !(await replayGolden(this.#backend!, replay, this.#opening.options.dtype)).passed) {
      this.destroy();
      const message = `${this.manifest.name} does not give its golden, on the CPU either. Convert it again.`;
      throw new ViTError('numeric', message, { cause: error });
    }
    this.#announce('fallback', error.message);
  }

  /** After a loss: by the same candidate or, where there is no such hardware any more, by the next one. */
  async #replace(skipCurrent = false): Promise<Backend> {
    const [current, ...others] = this.#candidates;
    let cause: unknown;
    if (!skipCurrent) {
      try {
        this.#backend = await current.open(true);
        this.#announce('recovered', 'The model is loaded again.');
        return this.#backend;
      } catch (error) {
        this.#opening.signal.throwIfAborted();
        cause = error;
      }
    }
    const why = cause ? (cause as Error).message : 'It was lost twice.';
    try {
      // Weights that could not be fetched for a GPU cannot be fetched for the CPU either.
      if (others.length === 0 || ['network', 'bad-shard'].includes((cause as ViTError)?.code)) throw cause;
      await this.#openOneOf(others);
    } catch (cause) {
      this.#opening.signal.throwIfAborted();
      throw new ViTError('device-lost', `The model was lost, and could not be loaded again: ${why}`, { cause });
    }
    this.#fallbackReason = `The GPU was lost. ${why}`;
    this.#announce('fallback', this.#fallbackReason);
    return this.#backend!;
  }

  async #fill(backend: Backend): Promise<void> {
    const { opinion } = this.#opening;
    const ask = opinion && (await opinion.before(this, backend));
    await this.#addWeights(backend);
    this.#report('compile');
    await backend.ready();
    if (ask) await ask();
  }

  async #addWeights(backend: Backend): Promise<void> {
    const shards = this.#arriving ?? this.#readShards();
    this.#arriving = null;
    const add = (piece: TensorPiece) => backend.addPiece(piece);
    const tensors = new TensorAssembler(this.#files, this.#opening.resizing?.sink(add) ?? add);
    for await (const shard of shards) {
      this.#opening.signal.throwIfAborted();
      tensors.addShard(shard);
    }
  }

  #readShards(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { source, signal } = this.#opening;
    return source.readShards(this.#files, (bytes) => this.#report('weights', bytes), signal);
  }

  /** @param bytes that arrived just now. After a loss they come again, and count once. */
  #report(stage: Progress['stage'], bytes = 0): void {
    if (this.#loaded === null) return;
    const total = sizeOf(this.#files);
    const before = this.#loaded;
    this.#loaded = Math.min(total, before + bytes);
    // Finer steps nobody sees, and a large model has thousands of them.
    if (bytes > 0 && stepOf(before, total) === stepOf(this.#loaded, total)) return;
    this.#opening.notify({ stage, loaded: this.#loaded, total });
  }

  /** Loads the model again, without f16. @returns whether there was anything in f16 */
  async #fallBackToF32(backend: Backend): Promise<boolean> {
    const [current] = this.#candidates;
    if (!current.disableF16?.()) return false;
    this.#backend = null;
    backend.destroy();
    this.#backend = await current.open(true);
    this.#announce('warning', 'The numbers of this model are too large for f16; from now on it runs in f32.');
    return true;
  }

  #announce(type: EngineEvent['type'], message: string): void {
    this.#opening.notify({ type, message, info: this.info });
  }
}

const stepOf = (loaded: number, total: number) => Math.floor((256 * loaded) / total);

function sizeOf({ shards }: Part): number {
  return shards.reduce((sum, { bytes }) => sum + bytes, 0);
}

function isCheckpoint(source: string | ModelFiles | Blob[]): source is string | Blob[] {
  return typeof source === 'string' ? source.startsWith('hf:') : Array.isArray(source);
}

/** Null where there is none: the annex was warned of then. */
async function findSha256(annexes: Annexes): Promise<Sha256 | null> {
  if (globalThis.crypto?.subtle) return sha256;
  const annex = await annexes.find('sha256');
  return annex && (async (bytes) => hexadecimal(annex.sha256(bytes)));
}
