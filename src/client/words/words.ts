/**
 * Texts, and what a model's embeddings are compared with: words, label files, and classes of one's own. `ViT` hands its calls
 * on to here with the first of them.
 */
import { shown, ViTError } from '../../error.ts';
import type { ModelInfo, Outputs, Text } from '../../interface.ts';
import { embeddingWidth } from '../../model/architecture.ts';
import { type Labels, parseLabelFile } from '../../text/label-file.ts';
import { type Candidate, type Prompted, promptsFor } from '../../text/prompts.ts';
import { BOOLEAN, badInput, checkOptions, isObject, oneOf, type Rules, SIGNAL } from '../check-options.ts';
import type { ImageInput } from '../image-input.ts';
import { type Embedding, type ImageList, isList, listOf } from '../image-list.ts';
import { applySigmoid, applySoftmax } from '../logits-to-scores.ts';
import { type Timed, timed } from '../timed.ts';
import { dot, isEmbedding, meanOf, requireEmbedding, requireWidth, unitLength } from './embedding-vectors.ts';
import { learnHead } from './learn.ts';
import { type Head, type HeadData, type HeadMethod, headScores, isSame, readHead } from './learned-head.ts';

export type { Candidate } from '../../text/prompts.ts';
export type { Head, HeadData, HeadMethod } from './learned-head.ts';

export interface EmbedTextOptions {
  /** Scale each embedding to length 1. Default false. */
  normalize?: boolean;
  /** Cut texts that are too long, as the model's library does, instead of refusing them. Default false. */
  truncate?: boolean;
  signal?: AbortSignal;
}

/** By label: pictures, or their embeddings. */
export type Examples = Readonly<Record<string, ImageInput | Embedding | Iterable<ImageInput | Embedding>>>;

export interface LearnOptions {
  /** Default `auto`: which of the two is right about more pictures when each is left out once. */
  method?: HeadMethod | 'auto';
  signal?: AbortSignal;
}

export interface SimilarityOptions {
  /** What the model makes of the cosine, instead of it: exp(logitScale) * cosine + logitBias. Default false. */
  logits?: boolean;
  signal?: AbortSignal;
}

const EMBED_TEXT: Rules<EmbedTextOptions> = { normalize: BOOLEAN, truncate: BOOLEAN, signal: SIGNAL };
const LEARN: Rules<LearnOptions> = { method: oneOf('auto', 'means', 'ridge'), signal: SIGNAL };
const SIMILARITY: Rules<SimilarityOptions> = { logits: BOOLEAN, signal: SIGNAL };

/** What a model does for this. */
export interface Model {
  readonly info: ModelInfo;
  embed(images: ImageList, options: { signal?: AbortSignal }): Promise<Float32Array[]>;
}

type RunTexts = (texts: Text[], truncate?: boolean, signal?: AbortSignal) => Promise<Timed<Outputs>>;

/** Turns the embedding of a picture into one score per label. */
export interface Scorer {
  labels: string[];
  scoresOf(embedding: Float32Array): Float32Array;
}

export interface ScorerOptions {
  candidates?: readonly Candidate[];
  template?: string;
  head?: Head | HeadData;
  /** A label file, where neither is given. */
  labels?: Labels;
  activation?: 'softmax' | 'sigmoid' | 'none';
}

/** Texts that are embedded at once. */
const BATCH = 256;
/** Labels whose embeddings are kept: 4 KB each, in the largest models. */
const KEPT = 10_000;

export class Words {
  readonly #model: Model;
  readonly #runTexts: RunTexts;
  /** By their prompts, the oldest first. */
  readonly #kept = new Map<string, Promise<Float32Array>>();

  /** @param runTexts texts to embeddings, one row each */
  constructor(model: Model, runTexts: RunTexts) {
    this.#model = model;
    this.#runTexts = runTexts;
  }

  /** @throws ViTError `bad-input` for options that contradict each other, that are another model's, or have nothing in them */
  async scorer({ candidates, template, head, labels, activation }: ScorerOptions): Promise<Scorer> {
    if (template !== undefined && typeof template !== 'string') {
      throw badInput(`classify(): template must be a text, not ${shown(template)}.`);
    }
    if (candidates && head) throw badInput('classify() takes candidates or a head, not both.');
    if (template !== undefined && !candidates)
      throw badInput('classify(): a template makes texts of candidates; give them.');
    if (head) {
      if (activation) throw badInput('classify(): the scores of a head are its own; leave out the activation.');
      const width = embeddingWidth(this.#model.info.architecture);
      const data = readHead(head, modelOf(this.#model.info), width);
      return {
        labels: data.labels,
        scoresOf(embedding) {
          requireEmbedding(embedding, width);
          return headScores(data, embedding);
        },
      };
    }
    if (labels && !candidates) return scorerOf(labels, activation);
    const { name, architecture, words } = this.#model.info;
    const { text } = architecture;
    if (!text) throw badInput(`${name} has no text tower: it knows no words. Give a label file, or learn() a head.`);
    if (!words) {
      throw badInput(`${name} has no tokenizer: convert it again with its tokenizer.json beside the checkpoint.`);
    }
    const prompted = promptsFor(candidates!, template ?? words.template);
    const scorer = {
      labels: prompted.map(({ label }) => label),
      logitScale: text.logitScale,
      logitBias: text.logitBias,
    };
    // Refused before anything is computed.
    activationOf(scorer, activation);
    return scorerOf({ ...scorer, embeddings: await this.#embeddings(prompted) }, activation);
  }

  async embedText(
    input: Text | Text[],
    options: EmbedTextOptions = {},
  ): Promise<Timed<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]>> {
    const { normalize = false, truncate, signal } = checkOptions('embedText', options, EMBED_TEXT);
    const isWords = (text: unknown) => typeof text === 'string';
    if (!isWords(input) && !Array.isArray(input)) {
      throw badInput(`embedText() takes a text, a list of token ids, or a list of either; not ${shown(input)}.`);
    }
    if (input.length === 0 && !isWords(input)) return timed([], { decode: 0, preprocess: 0, run: 0 });
    const isOne = isWords(input) || (!isWords(input[0]) && !Array.isArray(input[0]));
    const texts = (isOne ? [input] : input) as Text[];
    const { embedding, timing } = await this.#runTexts(texts, truncate, signal);
    const { data, shape } = embedding!;
    const rows = texts.map((_, i) => data.slice(i * shape[1], (i + 1) * shape[1]));
    const answer = normalize ? rows.map(unitLength) : rows;
    return timed(isOne ? answer[0] : answer, timing);
  }

  /** @returns the cosine of two embeddings, or what the model makes of it */
  similarity(a: ArrayLike<number>, b: ArrayLike<number>, options: SimilarityOptions = {}): number {
    const { logits = false } = checkOptions('similarity', options, SIMILARITY);
    for (const vector of [a, b]) {
      if (typeof vector?.length !== 'number' || !(vector.length > 0) || !Array.from(vector).every(Number.isFinite)) {
        throw badInput(`similarity() takes two embeddings, lists of numbers; not ${shown(vector)}.`);
      }
    }
    requireWidth(a, b.length, 'The first embedding');
    const cosine = dot(unitLength(a), unitLength(b));
    if (!logits) return cosine;
    const { name, architecture } = this.#model.info;
    if (!architecture.text)
      throw badInput(`similarity(): ${name} has no text tower, and so no logits; ask for the cosine.`);
    return Math.exp(architecture.text.logitScale) * cosine + (architecture.text.logitBias ?? 0);
  }

  async learn(groups: Examples, options: LearnOptions = {}): Promise<Head> {
    const { method = 'auto', signal } = checkOptions('learn', options, LEARN);
    if (!isObject(groups)) throw badInput(`learn() takes { label: pictures }, not ${shown(groups)}.`);
    const lists = Object.entries(groups).map(([label, images]) => ({
      label,
      examples: (isList(images) ? listOf(images) : [images]) as (ImageInput | Embedding)[],
    }));
    if (lists.length < 2) throw badInput(`learn() takes two labels or more, not ${lists.length}: it tells them apart.`);
    const empty = lists.find(({ examples }) => examples.length === 0);
    if (empty) throw badInput(`learn(): there is no picture of ${shown(empty.label)}.`);
    const width = embeddingWidth(this.#model.info.architecture);
    const all = lists.flatMap(({ examples }) => examples);
    for (const one of all) if (isEmbedding(one)) requireEmbedding(one, width);
    const pictures = all.filter((one) => !isEmbedding(one)) as ImageInput[];
    const made = (pictures.length > 0 ? await this.#model.embed(pictures, { signal }) : []).values();
    const found = lists.map(({ label, examples }) => ({
      label,
      embeddings: examples.map((one) => unitLength(isEmbedding(one) ? one : made.next().value!)),
    }));
    return learnHead(found, method, modelOf(this.#model.info));
  }

  /** Of unit length, one per label. What was asked for before costs nothing. */
  async #embeddings(prompted: Prompted[]): Promise<Float32Array[]> {
    const keys = prompted.map(({ prompts }) => JSON.stringify(prompts));
    const missing = new Map<string, string[]>();
    for (const [i, key] of keys.entries()) {
      const kept = this.#kept.get(key);
      this.#kept.delete(key);
      // To the end: it was needed last.
      if (kept) this.#kept.set(key, kept);
      else missing.set(key, prompted[i].prompts);
    }
    for (const part of batchesOf(missing)) {
      const all = this.#embedAll([...part.values()]);
      for (const [i, key] of [...part.keys()].entries()) {
        const one = all.then((rows) => rows[i]);
        one.catch(() => this.#kept.delete(key));
        this.#kept.set(key, one);
      }
    }
    const rows = await Promise.all(keys.map((key) => this.#kept.get(key)!));
    for (const key of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size - KEPT))) this.#kept.delete(key);
    return rows;
  }

  async #embedAll(lists: string[][]): Promise<Float32Array[]> {
    const rows = ((await this.embedText(lists.flat())) as Float32Array[]).map(unitLength).values();
    // As open_clip averages the templates of a class.
    return lists.map((prompts) => unitLength(meanOf(prompts.map(() => rows.next().value!))));
  }
}

/**
 * @param source the address of a label file, or what its JSON was parsed to
 * @throws ViTError `network`, `bad-manifest`, and `bad-input` for one that is another model's
 */
export async function openLabels(
  source: string | URL | object,
  info: ModelInfo,
  signal?: AbortSignal,
): Promise<Labels> {
  const isUrl = typeof source === 'string' || Object.prototype.toString.call(source) === '[object URL]';
  const where = isUrl ? String(source) : 'The label file';
  const labels = parseLabelFile(isUrl ? await fetchJson(where, signal) : source, where);
  const model = modelOf(info);
  const width = embeddingWidth(info.architecture);
  if (labels.width !== width) {
    throw badInput(`${where} is of embeddings with ${labels.width} features; ${model.name} gives ${width}.`);
  }
  if (isSame(labels.model, model)) return labels;
  throw badInput(
    `${where} is of the model ${labels.model.name}, and this is ${model.name}: make it again, of this one.`,
  );
}

async function fetchJson(url: string, signal?: AbortSignal): Promise<unknown> {
  try {
    const base = typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
    const response = await fetch(new URL(url, base), { signal });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await response.json();
  } catch (cause) {
    if (signal?.aborted) throw new ViTError('aborted', 'Loading was aborted.', { cause });
    throw new ViTError('network', `The label file ${url} cannot be had: ${(cause as Error).message}.`, { cause });
  }
}

type Comparable = Pick<Labels, 'labels' | 'embeddings' | 'logitScale' | 'logitBias'>;

function scorerOf(words: Comparable, activation: ScorerOptions['activation']): Scorer {
  const { labels, embeddings, logitScale, logitBias = 0 } = words;
  const apply = activationOf(words, activation);
  const scale = Math.exp(logitScale);
  return {
    labels,
    scoresOf(embedding) {
      requireEmbedding(embedding, embeddings[0].length);
      const unit = unitLength(embedding);
      const row = Float32Array.from(embeddings, (text) => scale * dot(text, unit) + logitBias);
      if (apply === 'softmax') applySoftmax(row, 1);
      else if (apply === 'sigmoid') applySigmoid(row);
      return row;
    },
  };
}

/** A model whose logits have a bias was trained on each pair by itself. */
function activationOf(
  { labels, logitBias }: Omit<Comparable, 'embeddings'>,
  given: ScorerOptions['activation'],
): 'softmax' | 'sigmoid' | 'none' {
  const activation = given ?? (logitBias === undefined ? 'softmax' : 'sigmoid');
  if (activation === 'softmax' && labels.length === 1) {
    throw badInput("The softmax of one label is always 1: give two labels or more, or activation: 'none'.");
  }
  return activation;
}

function modelOf({ name, source }: ModelInfo): HeadData['model'] {
  return { name, ...(source.sha256 !== undefined && { sha256: source.sha256 }) };
}

function* batchesOf(lists: Map<string, string[]>): Generator<Map<string, string[]>> {
  let part = new Map<string, string[]>();
  let texts = 0;
  for (const [key, prompts] of lists) {
    part.set(key, prompts);
    texts += prompts.length;
    if (texts < BATCH) continue;
    yield part;
    part = new Map();
    texts = 0;
  }
  if (part.size > 0) yield part;
}
