/**
 * A loaded model, as a page holds it. The work is done by the engine at the other end of the connection.
 */
import { annexAddresses } from '../annexes/addresses.ts';
import type { AnnexAddresses } from '../annexes/table.ts';
import { ViTError } from '../error.ts';
import { type Geometry, geometry, type Size } from '../image/geometry.ts';
import type {
  AttendOptions,
  EngineEvent,
  EngineOptions,
  Memory,
  ModelFiles,
  ModelInfo,
  OutputName,
  Outputs,
  Profile,
  Progress,
  RgbImage,
  SelfTest,
  Tensor,
  Timing,
} from '../interface.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { remoteCallback } from '../worker/wire.ts';
import { Batcher } from './batcher.ts';
import { type Connection, connect } from './connection.ts';
import { type ImageInput, toWireImage } from './image-input.ts';
import { Queue, rejectOnAbort, throwIfAborted } from './queue.ts';
import { type Classification, type RankOptions, rank } from './rank.ts';
import { applySigmoid, applySoftmax } from './scores.ts';

export interface LoadOptions extends EngineOptions {
  /** A factory of the worker, or `false` to run in this thread. Default: the library's own worker. */
  worker?: false | (() => Worker);
  /**
   * The folder where all files of `dist/lib` are served, relative to the page: for bundlers that copy none of them (esbuild,
   * Rollup). Default: beside the library's code.
   */
  assets?: string | URL;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Told of warnings (nothing could be cached) and of a GPU that is lost and replaced. */
  onEvent?: (event: EngineEvent) => void;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface ClassifyOptions extends RankOptions, CallOptions {
  /**
   * From logits to scores. Default: what the model was trained with. `softmax` is taken at the temperature of
   * `info.calibration`, where there is one.
   */
  activation?: 'softmax' | 'sigmoid' | 'none';
}

export interface EmbedOptions extends CallOptions {
  /** Scale each embedding to length 1. Default false. */
  normalize?: boolean;
}

export interface ForwardOptions extends CallOptions {
  /** Default `['logits']`. */
  outputs?: OutputName[];
}

/**
 * Loads a model and makes it ready: weights on the GPU, shaders compiled, one run done.
 *
 * @param source URL of a `model.json` (relative to the page), or a model in memory.
 * @throws ViTError `network`, `bad-manifest`, `bad-shard`, `unsupported-model`, `no-webgpu`, `out-of-memory`, `shader`,
 *   `numeric` (not what the model's converter computed), `device-lost`, `aborted`. Nothing is left running or allocated.
 */
export async function loadViT(source: string | URL | ModelFiles, options: LoadOptions = {}): Promise<ViT> {
  const { worker, assets, signal, onProgress, onEvent, ...engineOptions } = options;
  throwIfAborted(signal);
  const connection = await connect(worker, assets);
  const state = {} as State;
  try {
    const loading = startLoading(connection, source, engineOptions, annexAddresses(assets), (message) => {
      if ('stage' in message) onProgress?.(message);
      else {
        if (message.info) state.info = message.info;
        onEvent?.(message);
      }
    });
    state.info = await Promise.race([
      loading,
      connection.failed,
      ...(signal
        ? [
            rejectOnAbort(
              signal,
              loading.catch(() => {}),
            ),
          ]
        : []),
    ]);
    return new ViT(connection, state);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function startLoading(
  { engine }: Connection,
  source: string | URL | ModelFiles,
  options: EngineOptions,
  annexes: AnnexAddresses,
  notify: (message: Progress | EngineEvent) => void,
): Promise<ModelInfo> {
  // Within this thread the mark that `remoteCallback` leaves means nothing.
  const callback = remoteCallback(notify);
  if (typeof source === 'string' || source instanceof URL) {
    const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
    return engine.load(new URL(source, base).href, options, callback, annexes);
  }
  // What is sent to a worker is moved there; the caller keeps what is its own.
  const shards = source.shards.map((shard) => shard.slice());
  return engine.load({ manifest: source.manifest, shards }, options, callback, annexes);
}

/** From logits to scores, by what a model was trained for. */
const ACTIVATIONS = { 'single-label': 'softmax', 'multi-label': 'sigmoid', regression: 'none' } as const;

/** What may change while a model is loaded. */
interface State {
  info: ModelInfo;
}

export class ViT {
  /** Of the last call that finished; null before the first. */
  lastTiming: Timing | null = null;
  readonly #connection: Connection;
  readonly #state: State;
  readonly #queue = new Queue();
  readonly #batcher: Batcher;

  /** Use `loadViT`. */
  constructor(connection: Connection, state: State) {
    this.#connection = connection;
    this.#state = state;
    this.#batcher = new Batcher(this.#queue, connection.engine, () => this.info.maxBatch);
    connection.failed.catch((error) => this.#queue.close(error));
  }

  /** Another one after a `recovered` or `fallback` event. */
  get info(): ModelInfo {
    return this.#state.info;
  }

  /**
   * What is in a picture.
   * @returns the best labels, best first; for a list of pictures one list each, computed as one batch.
   * @throws ViTError `bad-image`, `bad-input`, `network`, `device-lost`, `aborted`, `disposed`.
   */
  async classify(image: ImageInput, options?: ClassifyOptions): Promise<Classification[]>;
  async classify(images: ImageInput[], options?: ClassifyOptions): Promise<Classification[][]>;
  async classify(
    input: ImageInput | ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<Classification[] | Classification[][]> {
    const { labels, architecture, problemType, calibration } = this.info;
    if (architecture.classes === 0) throw new ViTError('bad-input', `${this.info.name} has no classes; use embed().`);
    const { activation = ACTIVATIONS[problemType], signal, ...rankOptions } = options;
    // Nothing is computed for options that will be refused.
    rank([], labels, rankOptions);
    const output = activation === 'softmax' && !calibration ? 'probabilities' : 'logits';
    const scores = await this.#runImages(input, output, signal);
    if (activation === 'sigmoid') for (const row of scores) applySigmoid(row);
    if (activation === 'softmax' && calibration) for (const row of scores) applySoftmax(row, calibration.temperature);
    const results = scores.map((row) => rank(row, labels, rankOptions));
    return Array.isArray(input) ? results : results[0];
  }

  /**
   * The pooled features of a picture: what the head sees.
   * @returns D numbers per picture.
   */
  async embed(image: ImageInput, options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>>;
  async embed(images: ImageInput[], options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>[]>;
  async embed(
    input: ImageInput | ImageInput[],
    { normalize = false, signal }: EmbedOptions = {},
  ): Promise<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]> {
    const rows = await this.#runImages(input, 'embedding', signal);
    if (normalize) for (const row of rows) scaleToUnitLength(row);
    return Array.isArray(input) ? rows : rows[0];
  }

  /**
   * The embedding of a text, in the space of the images': of models with a text tower (CLIP, SigLIP). How alike an image
   * and a text are is exp(logitScale) * cosine + logitBias, with the numbers of `info.architecture.text`.
   * @param text token ids, as the model's own tokenizer gives them, with the tokens that begin and end a text; it is
   *   padded here.
   * @returns as many numbers as an image's embedding has.
   * @throws ViTError `bad-input` for a model without a text tower, and for ids that it does not have.
   */
  async embedText(text: number[], options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>>;
  async embedText(texts: number[][], options?: EmbedOptions): Promise<Float32Array<ArrayBuffer>[]>;
  async embedText(
    input: number[] | number[][],
    { normalize = false, signal }: EmbedOptions = {},
  ): Promise<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]> {
    if (input.length === 0) return [];
    const isList = Array.isArray(input[0]);
    const texts = (isList ? input : [input]) as number[][];
    const { embedding } = await this.#call(() => this.#connection.engine.runTexts(texts), signal);
    const { data, shape } = embedding!;
    const rows = texts.map((_, i) => data.slice(i * shape[1], (i + 1) * shape[1]));
    if (normalize) for (const row of rows) scaleToUnitLength(row);
    return isList ? rows : rows[0];
  }

  /**
   * Where the model looks: the class token's attention over the patches.
   * @returns `[rows, columns]` of patches, row-major. The sum is below 1: the rest goes to the class token itself and to
   *   other tokens in front of the patches.
   * @throws ViTError `bad-input` for a model without a class token, and for a layer or head that it does not have.
   */
  async attend(
    image: ImageInput,
    { signal, ...options }: AttendOptions & CallOptions = {},
  ): Promise<{ data: Float32Array<ArrayBuffer>; shape: number[] }> {
    const job = async () => this.#connection.engine.attend(await toWireImage(image, signal), options);
    const { map, timing } = await this.#queue.run(job, signal);
    this.lastTiming = timing;
    return map;
  }

  /**
   * The network alone.
   * @param pixels normalised, `[B, C, H, W]` row-major. They are copied, and stay the caller's.
   * @returns raw outputs, of B images: `logits` and `probabilities` `[B, classes]`, `embedding` `[B, features]`, `tokens`
   *   `[B, N, D]` after the final norm, `hidden` `[B, L, N, D]` as each block hands them on, `attention` `[B, L, H, N, N]`:
   *   the weights with which each token (row) attends to each. The last three take a network of their own, which is made
   *   when they are first asked for.
   */
  async forward(
    { data, shape }: { data: ArrayLike<number>; shape: readonly number[] },
    { outputs = ['logits'], signal }: ForwardOptions = {},
  ): Promise<Outputs> {
    const pixels: Tensor = { data: Float32Array.from(data), shape: [...shape] };
    return this.#call(() => this.#connection.engine.runPixels(pixels, outputs), signal);
  }

  /**
   * The exact pixels that the model is shown of a picture, after resize and crop: Pillow's, to the byte.
   * @param spec a manifest's `preprocess`; the model's own unless given
   */
  preprocess(image: ImageInput, spec?: Preprocess, { signal }: CallOptions = {}): Promise<RgbImage> {
    const job = async () => this.#connection.engine.preprocess(await toWireImage(image), spec);
    return this.#queue.run(job, signal);
  }

  /**
   * Which part of a picture the model sees: the picture is resized to `resized`, and the model is shown `output` pixels of
   * it from (`left`, `top`) on.
   * @param source pixels of the picture as it is shown, turned as its EXIF says
   * @throws ViTError `bad-input` where `source` is not of positive whole numbers
   */
  geometry(source: Size): Geometry {
    for (const [name, value] of Object.entries({ width: source?.width, height: source?.height })) {
      if (!Number.isInteger(value) || value <= 0) {
        throw new ViTError('bad-input', `geometry: ${name} is ${value}; give a positive whole number of pixels.`);
      }
    }
    return geometry(source, this.info.preprocess);
  }

  /**
   * Milliseconds of each step of a run, and how much of what this GPU can do that is. It takes a second or so, and other
   * calls wait.
   * @throws ViTError `bad-image`; `no-webgpu` where the processor computes the model
   */
  profile(image: ImageInput): Promise<Profile> {
    return this.#queue.run(async () => this.#connection.engine.profile(await toWireImage(image)));
  }

  /** Replays the manifest's golden input on this machine and compares the logits. */
  selfTest(): Promise<SelfTest> {
    return this.#queue.run(() => this.#connection.engine.selfTest());
  }

  /** Bytes that are held for this model. */
  memory(): Promise<Memory> {
    return this.#queue.run(() => this.#connection.engine.memory());
  }

  /** Frees GPU and worker. Pending and later calls reject with `disposed`. */
  dispose(): void {
    this.#queue.close(new ViTError('disposed', `${this.info.name} was disposed; load it again.`));
    this.#connection.close();
  }

  async #runImages(input: ImageInput | ImageInput[], output: OutputName, signal?: AbortSignal) {
    const images = Array.isArray(input) ? input : [input];
    if (images.length === 0) return [];
    const { rows, timing } = await this.#batcher.run(images, output, signal);
    this.lastTiming = timing;
    return rows;
  }

  async #call(job: () => Promise<{ outputs: Outputs; timing: Timing }>, signal?: AbortSignal): Promise<Outputs> {
    const { outputs, timing } = await this.#queue.run(job, signal);
    this.lastTiming = timing;
    return outputs;
  }
}

function scaleToUnitLength(row: Float32Array): void {
  const length = Math.hypot(...row);
  if (length > 0) for (let i = 0; i < row.length; i++) row[i] /= length;
}
