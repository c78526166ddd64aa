/**
 * A loaded model, as a page holds it. The work is done by the engine at the other end of the connection.
 */
import { annexAddresses } from '../annexes/addresses.ts';
import { inFolder } from '../annexes/in-folder.ts';
import { shown, toViTError, ViTError } from '../error.ts';
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
  Text,
  Timing,
  WireImage,
} from '../interface.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { remoteCallback } from '../worker/wire.ts';
import { annexHere } from './annex-here.ts';
import { type Answer, answerOf } from './answer.ts';
import { Batcher } from './batcher.ts';
import { Queue, rejectOnAbort, throwIfAborted } from './call-queue.ts';
import {
  ANY,
  BOOLEAN,
  badInput,
  checkOptions,
  FUNCTION,
  isObject,
  LIST,
  NUMBER,
  OBJECT,
  oneOf,
  type Rules,
  SIGNAL,
} from './check-options.ts';
import { type Connection, connect } from './connection.ts';
import type { ImageInput, Take } from './image-input.ts';
import { type Embedding, type ImageList, isList, listOf } from './image-list.ts';
import { applySigmoid, applySoftmax } from './logits-to-scores.ts';
import { type RankOptions, rank } from './rank.ts';
import { type Timed, timed } from './timed.ts';
import type {
  Candidate,
  EmbedTextOptions,
  Examples,
  Head,
  HeadData,
  LearnOptions,
  Scorer,
  SimilarityOptions,
  Words,
} from './words/words.ts';

export interface LoadOptions extends EngineOptions {
  /** A factory of the worker, or `false` to run in this thread. Default: the library's own worker. */
  worker?: false | (() => Worker);
  /**
   * The folder where all files of `dist/lib` are served, relative to the page: for bundlers that copy none of them (esbuild,
   * Rollup). Default: beside the library's code.
   */
  assets?: string | URL;
  /** A label file, its address or its parsed JSON: `classify` then tells pictures apart by its labels. */
  labels?: string | URL | object;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Called with warnings (nothing could be cached), and when a GPU is lost and replaced. */
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
  /**
   * Words instead of the model's own labels: of a model with a text tower and a tokenizer. Scores are a softmax for CLIP, the
   * sigmoid of each for SigLIP. The embeddings of labels are kept: the next picture costs no text.
   */
  candidates?: readonly Candidate[];
  /** Makes a text of a candidate, which takes the place of `{}`. Default: the model's, `info.words.template`. */
  template?: string;
  /** What `learn` gave, or what its JSON was parsed to. */
  head?: Head | HeadData;
}

export interface EmbedOptions extends CallOptions {
  /** Scale each embedding to length 1. Default false. */
  normalize?: boolean;
}

export interface ForwardOptions extends CallOptions {
  /** Default `['logits']`. */
  outputs?: OutputName[];
}

const CALL: Rules<CallOptions> = { signal: SIGNAL };
const CLASSIFY: Rules<ClassifyOptions> = {
  topK: NUMBER,
  scoreThreshold: NUMBER,
  allow: LIST,
  deny: LIST,
  activation: oneOf('softmax', 'sigmoid', 'none'),
  candidates: LIST,
  template: ANY,
  head: OBJECT,
  ...CALL,
};
const EMBED: Rules<EmbedOptions> = { normalize: BOOLEAN, ...CALL };
const ATTEND: Rules<AttendOptions & CallOptions> = { layer: NUMBER, head: NUMBER, rollout: BOOLEAN, ...CALL };
const FORWARD: Rules<ForwardOptions> = { outputs: LIST, ...CALL };
const LOAD: Rules<LoadOptions> = {
  backend: oneOf('auto', 'webgpu', 'cpu'),
  dtype: oneOf('auto', 'f32', 'f16'),
  powerPreference: oneOf('low-power', 'high-performance'),
  imageSize: LIST,
  cache: BOOLEAN,
  convert: OBJECT,
  hub: OBJECT,
  device: OBJECT,
  threads: oneOf(1, 2, 3, 4, 5, 6, 7, 8),
  worker: ['false or a function that returns a Worker', (value) => value === false || typeof value === 'function'],
  assets: ['the address of a folder', isFolder],
  labels: ANY,
  onProgress: FUNCTION,
  onEvent: FUNCTION,
  ...CALL,
};

/**
 * Loads a model and makes it ready: weights on the GPU, shaders compiled, one run done.
 *
 * @param source URL of a `model.json` (relative to the page), or a model in memory; or a checkpoint as it is: `hf:owner/name` or
 *   `hf:owner/name@revision` on the Hugging Face Hub, or a file (safetensors, PyTorch, npz) with those beside it. That is converted
 *   here, and kept.
 * @throws ViTError `network`, `bad-manifest`, `bad-shard`, `unsupported-model`, `no-webgpu`, `out-of-memory`, `shader`,
 *   `numeric` (not what the model's converter computed), `device-lost`, `aborted`. Nothing is left running or allocated.
 */
export async function loadViT(
  source: string | URL | ModelFiles | Blob | Iterable<Blob>,
  options: LoadOptions = {},
): Promise<ViT> {
  return openViT(source, options);
}

type Source = Parameters<typeof loadViT>[0];

/** @param take of a picture as a caller gives it: where there is no browser there are others */
export async function openViT(source: Source, options: LoadOptions, take?: Take): Promise<ViT> {
  const { worker, assets, labels, signal, onProgress, onEvent, ...engineOptions } = checkOptions(
    'loadViT',
    options,
    LOAD,
  );
  const files = modelSource(source);
  if ((engineOptions.device ?? engineOptions.hub?.fetch) && worker !== false) {
    throw badInput('A device or a fetch cannot cross to a worker: give `worker: false` with it.');
  }
  throwIfAborted(signal);
  const connection = await connect(worker, assets);
  const state = { assets, take } as State;
  const notify = (message: Progress | EngineEvent) => {
    if ('info' in message && message.info) state.info = message.info;
    try {
      if ('stage' in message) onProgress?.(message);
      else onEvent?.(message);
    } catch (error) {
      // The page's own: no reason to stop here.
      setTimeout(() => {
        throw error;
      });
    }
  };
  try {
    // Within this thread the mark that `remoteCallback` leaves means nothing.
    const loading = connection.engine.load(files, engineOptions, remoteCallback(notify), annexAddresses(assets));
    const first = [loading, connection.failed];
    if (signal)
      first.push(
        rejectOnAbort(
          signal,
          loading.catch(() => {}),
        ),
      );
    state.info = await Promise.race(first);
    if (labels !== undefined) {
      const { openLabels } = await annexHere('words', assets);
      state.labels = await openLabels(labels, state.info, signal);
    }
    return new ViT(connection, state);
  } catch (error) {
    connection.close();
    throw toViTError(error);
  }
}

/** A whole address, or copies of the files: what is sent to a worker is moved there, and the caller keeps its own. */
function modelSource(source: Source): string | ModelFiles | Blob[] {
  const isUrl = Object.prototype.toString.call(source) === '[object URL]';
  if (typeof source === 'string' || isUrl) {
    const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
    try {
      return new URL(source as string, base).href;
    } catch (cause) {
      throw badInput(
        `${shown(String(source))} is no address of a model.json${base ? '' : '; give a whole one'}.`,
        cause,
      );
    }
  }
  const files = isList(source as Iterable<Blob>) ? (listOf(source as Iterable<Blob>) as Blob[]) : [source as Blob];
  if (files.length > 0 && files.every((file) => /t (Blob|File)]$/.test(Object.prototype.toString.call(file))))
    return files;
  const { manifest, shards, tokenizer } = isObject(source) ? (source as ModelFiles) : ({} as Partial<ModelFiles>);
  if (!Array.isArray(shards)) {
    throw badInput(
      `loadViT() takes the address of a model.json, { manifest, shards }, hf:owner/name or files; not ${shown(source)}.`,
    );
  }
  const copies = Array.from(shards, (shard, i) => copyBytes(shard, `shards[${i}]`));
  return { manifest: manifest!, shards: copies, tokenizer: tokenizer && copyBytes(tokenizer, 'tokenizer') };
}

function copyBytes(bytes: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
  } catch (cause) {
    throw badInput(`${name} must be a Uint8Array that holds its bytes still, not ${shown(bytes)}.`, cause);
  }
}

/** From logits to scores, by what a model was trained for. */
const ACTIVATIONS = { 'single-label': 'softmax', 'multi-label': 'sigmoid', regression: 'none' } as const;

function isFolder(assets: unknown): boolean {
  try {
    return !!inFolder(assets as string, '.');
  } catch {
    return false;
  }
}

/** Of a list without pictures or texts. */
const NO_TIME: Timing = { decode: 0, preprocess: 0, run: 0 };

/** What may change while a model is loaded. */
interface State {
  info: ModelInfo;
  /** Of the library's files. */
  assets?: string | URL;
  take?: Take;
  /** Of a label file. */
  labels?: Parameters<Words['scorer']>[0]['labels'];
}

export class ViT {
  /** Of the call that finished last, whichever that was; null before the first. Each answer has its own as `timing`. */
  lastTiming: Timing | null = null;
  readonly #connection: Connection;
  readonly #state: State;
  readonly #queue = new Queue();
  readonly #batcher: Batcher;
  /** Made when it is first needed. */
  #words: Promise<Words> | null = null;

  /** @internal Use `loadViT`. */
  constructor(connection: Connection, state: State) {
    this.#connection = connection;
    this.#state = state;
    this.#batcher = new Batcher(this.#queue, connection.engine, () => this.info.maxBatch, state.take);
    connection.failed.catch((error) => this.#queue.close(error));
  }

  /** Another one after a `recovered` or `fallback` event. */
  get info(): ModelInfo {
    return this.#state.info;
  }

  /**
   * What is in a picture.
   * @param image or what `embed` gave for it, to be compared with words or by a head
   * @returns the best labels, best first, and whether they are `sure`; for a list of pictures one list each, computed as one
   *   batch. Like every answer it has a `timing`, in milliseconds.
   * @throws ViTError `bad-image`, `bad-input`, `network`, `device-lost`, `aborted`, `disposed`.
   */
  async classify(image: ImageInput | Embedding, options?: ClassifyOptions): Promise<Timed<Answer>>;
  async classify(images: ImageList, options?: ClassifyOptions): Promise<Timed<Answer[]>>;
  async classify(
    input: ImageInput | ImageList | Embedding,
    options: ClassifyOptions = {},
  ): Promise<Timed<Answer | Answer[]>> {
    const { candidates, template, head } = checkOptions('classify', options, CLASSIFY);
    if ((candidates ?? head ?? template ?? this.#state.labels) !== undefined) {
      const scoring = this.#needWords().then((words) => words.scorer({ ...options, labels: this.#state.labels }));
      return this.#classifyBy(scoring, input, options);
    }
    const { labels, architecture, problemType, calibration } = this.info;
    if (architecture.classes === 0) throw badInput(`${this.info.name} has no classes; use embed().`);
    const { activation = ACTIVATIONS[problemType], signal, ...rankOptions } = options;
    // Nothing is computed for options that will be refused.
    rank([], labels, rankOptions);
    const measured = activation === 'softmax' ? calibration : null;
    const output = activation === 'softmax' && !calibration ? 'probabilities' : 'logits';
    const { rows: scores, timing } = await this.#runImages(input as ImageInput, output, signal);
    if (activation === 'sigmoid') for (const row of scores) applySigmoid(row);
    if (measured) for (const row of scores) applySoftmax(row, measured.temperature);
    const results = scores.map((row) => answerOf(rank(row, labels, rankOptions), measured));
    return timed(isList(input) ? results : results[0], timing);
  }

  /** Both are asked for at once: a picture is what it is at the call. */
  async #classifyBy(
    scoring: Promise<Scorer>,
    input: ImageInput | ImageList | Embedding,
    options: ClassifyOptions,
  ): Promise<Timed<Answer | Answer[]>> {
    const [{ labels, scoresOf }, { rows, timing }] = await Promise.all([
      this.#queue.settle(scoring, options.signal),
      ArrayBuffer.isView(input)
        ? { rows: [input], timing: NO_TIME }
        : this.#runImages(input, 'embedding', options.signal),
    ]);
    const results = rows.map((row) => rank(scoresOf(row), labels, options));
    return timed(isList(input) ? results : results[0], timing);
  }

  /**
   * A classifier of one's own things, of a few pictures each, for `classify(photo, { head })`. Works with every model that
   * has an embedding. In closed form: it takes as long as embedding the pictures.
   * @param groups label -> pictures, or their embeddings; two labels or more
   * @returns a head that says how good it is (`accuracy`, leave-one-out), and that `JSON.stringify` writes
   * @throws ViTError `bad-image`, `bad-input`, `network`, `device-lost`, `aborted`, `disposed`.
   */
  async learn(groups: Examples, options?: LearnOptions): Promise<Head> {
    return this.#byWords('learn', (words) => words.learn(groups, options), options);
  }

  /**
   * How alike two embeddings are, of pictures or texts: the cosine or, with `logits`, what the model makes of it.
   * @throws ViTError `bad-input` for embeddings of different lengths, and for logits of a model without a text tower.
   */
  async similarity(a: ArrayLike<number>, b: ArrayLike<number>, options?: SimilarityOptions): Promise<number> {
    return this.#byWords('similarity', (words) => words.similarity(a, b, options), options);
  }

  /** Other options are looked at there. */
  #byWords<T>(call: string, job: (words: Words) => T | Promise<T>, options?: CallOptions): Promise<T> {
    const { signal } = checkOptions(call, { signal: options?.signal }, CALL);
    return this.#queue.settle(this.#needWords().then(job), signal);
  }

  #needWords(): Promise<Words> {
    this.#words ??= annexHere('words', this.#state.assets).then(({ Words }) => {
      const { engine } = this.#connection;
      return new Words(this, (texts, truncate, signal) => this.#call(() => engine.runTexts(texts, truncate), signal));
    });
    this.#words.catch(() => {
      this.#words = null;
    });
    return this.#words;
  }

  /**
   * The pooled features of a picture: what the head sees.
   * @returns D numbers per picture.
   */
  async embed(image: ImageInput, options?: EmbedOptions): Promise<Timed<Float32Array<ArrayBuffer>>>;
  async embed(images: ImageList, options?: EmbedOptions): Promise<Timed<Float32Array<ArrayBuffer>[]>>;
  async embed(
    input: ImageInput | ImageList,
    options: EmbedOptions = {},
  ): Promise<Timed<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]>> {
    const { normalize = false, signal } = checkOptions('embed', options, EMBED);
    const { rows, timing } = await this.#runImages(input, 'embedding', signal);
    if (normalize) for (const row of rows) scaleToUnitLength(row);
    return timed(isList(input) ? rows : rows[0], timing);
  }

  /**
   * The embedding of a text, in the space of the images': of models with a text tower (CLIP, SigLIP). How alike an image
   * and a text are is exp(logitScale) * cosine + logitBias, with the numbers of `info.architecture.text`.
   * @param text words, of a model that has its tokenizer with it; or token ids, with those that begin and end a text. It is
   *   padded here.
   * @returns as many numbers as an image's embedding has.
   * @throws ViTError `bad-input` for a model without a text tower, for words where it has no tokenizer, for texts that are too
   *   long, and for ids that it does not have.
   */
  async embedText(text: Text, options?: EmbedTextOptions): Promise<Timed<Float32Array<ArrayBuffer>>>;
  async embedText(texts: Text[], options?: EmbedTextOptions): Promise<Timed<Float32Array<ArrayBuffer>[]>>;
  async embedText(
    input: Text | Text[],
    options?: EmbedTextOptions,
  ): Promise<Timed<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]>> {
    return this.#byWords('embedText', (words) => words.embedText(input, options), options);
  }

  /**
   * Where the model looks: the class token's attention over the patches.
   * @returns `[rows, columns]` of patches, row-major. The sum is below 1: the rest goes to the class token itself and to
   *   other tokens in front of the patches.
   * @throws ViTError `bad-input` for a model without a class token, and for a layer or head that it does not have.
   */
  async attend(image: ImageInput, options: AttendOptions & CallOptions = {}): Promise<Timed<Tensor>> {
    const { signal, ...where } = checkOptions('attend', options, ATTEND);
    const job = (picture: WireImage) => this.#connection.engine.attend(picture, where);
    const { map, timing } = await this.#batcher.runAlone(image, job, signal);
    this.lastTiming = timing;
    return timed(map, timing);
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
    pixels: { data: ArrayLike<number>; shape: readonly number[] },
    options: ForwardOptions = {},
  ): Promise<Timed<Outputs>> {
    const { outputs = ['logits'], signal } = checkOptions('forward', options, FORWARD);
    const tensor = copyTensor(pixels);
    return this.#call(() => this.#connection.engine.runPixels(tensor, outputs), signal);
  }

  /**
   * The exact pixels that the model is shown of a picture, after resize and crop: Pillow's, to the byte.
   * @param spec a manifest's `preprocess`; the model's own unless given
   */
  async preprocess(image: ImageInput, spec?: Preprocess, options: CallOptions = {}): Promise<RgbImage> {
    const { signal } = checkOptions('preprocess', options, CALL);
    return this.#batcher.runAlone(image, (picture) => this.#connection.engine.preprocess(picture, spec), signal);
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
        throw badInput(`geometry: ${name} is ${shown(value)}; give a positive whole number of pixels.`);
      }
    }
    return geometry(source, this.info.preprocess);
  }

  /**
   * Milliseconds of each step of a run, and how much of what this GPU can do that is. It takes a second or so, and other
   * calls wait.
   * @throws ViTError `bad-image`; `no-webgpu` where the CPU computes the model
   */
  async profile(image: ImageInput, options: CallOptions = {}): Promise<Profile> {
    const { signal } = checkOptions('profile', options, CALL);
    return this.#batcher.runAlone(image, (picture) => this.#connection.engine.profile(picture), signal);
  }

  /** Replays the manifest's golden input on this machine and compares the logits. */
  async selfTest(options: CallOptions = {}): Promise<SelfTest> {
    const { signal } = checkOptions('selfTest', options, CALL);
    return this.#queue.run(() => this.#connection.engine.selfTest(), signal);
  }

  /** Bytes that are held for this model. */
  async memory(options: CallOptions = {}): Promise<Memory> {
    const { signal } = checkOptions('memory', options, CALL);
    return this.#queue.run(() => this.#connection.engine.memory(), signal);
  }

  /** Frees GPU and worker. Pending and later calls reject with `disposed`. */
  dispose(): void {
    this.#queue.close(new ViTError('disposed', `${this.info.name} was disposed; load it again.`));
    this.#connection.close();
  }

  async #runImages(input: ImageInput | ImageList, output: OutputName, signal?: AbortSignal) {
    const images = isList(input) ? listOf(input) : [input];
    if (images.length === 0) return { rows: [], timing: NO_TIME };
    const result = await this.#batcher.run(images, output, signal);
    this.lastTiming = result.timing;
    return result;
  }

  async #call(job: () => Promise<{ outputs: Outputs; timing: Timing }>, signal?: AbortSignal): Promise<Timed<Outputs>> {
    const { outputs, timing } = await this.#queue.run(job, signal);
    this.lastTiming = timing;
    return timed(outputs, timing);
  }
}

function copyTensor(pixels: { data: ArrayLike<number>; shape: readonly number[] }): Tensor {
  try {
    return { data: Float32Array.from(pixels.data), shape: Array.from(pixels.shape, Number) };
  } catch (cause) {
    throw badInput(
      `forward() takes { data, shape }, numbers both of them and still there; not ${shown(pixels)}.`,
      cause,
    );
  }
}

function scaleToUnitLength(row: Float32Array): void {
  const length = Math.hypot(...row);
  if (length > 0) row.set(row.map((value) => value / length));
}
