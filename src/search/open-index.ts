/**
 * An index as its caller sees it.
 */
import { proxy } from 'comlink';
import { pageAddress } from '../annexes/in-folder.ts';
import { Queue, rejectOnAbort, throwIfAborted } from '../client/call-queue.ts';
import { badInput, checkOptions, FUNCTION, isObject, type Rule, type Rules, SIGNAL } from '../client/check-options.ts';
import { shown, toViTError, ViTError } from '../error.ts';
import { connectIndex, type IndexConnection } from './index-connection.ts';
import type { IndexFacts, LoadProgress, Match } from './index-interface.ts';
import { type IndexModel, MANIFEST, type VectorDtype } from './index-manifest.ts';

/** What an index must know of a model: `vit.info`, say. */
export interface QueryModel {
  name: string;
  source: { sha256?: string };
  /** SHA-256 of its `model.json`, where its checkpoint's is not known. */
  manifest?: string;
}

export interface OpenIndexOptions {
  /** The one that will make the queries, as `vit.info`: an index of another checkpoint is refused. */
  model?: QueryModel;
  /** How much of the vectors has arrived, once they are asked for. */
  onProgress?: (progress: LoadProgress) => void;
  /**
   * Makes the worker, of `search-worker.js`, for a page that needs it made its own way; `false` searches in this thread, as it is by
   * itself where there are no workers.
   */
  worker?: false | (() => Worker);
  /** The folder of the files of `dist/search`, where a bundler does not emit them. */
  assets?: string | URL;
  signal?: AbortSignal;
}

export interface SearchOptions {
  /** How many, at most. Default 10. */
  k?: number;
  signal?: AbortSignal;
}

const ADDRESS: Rule = ['an address', (value) => typeof value === 'string' || isUrl(value)];
const OPEN: Rules<OpenIndexOptions> = {
  model: [
    "a model's info, { name, source }",
    (value) => isObject(value) && typeof value.name === 'string' && isObject(value.source),
  ],
  onProgress: FUNCTION,
  worker: ['false or a function that returns a Worker', (value) => value === false || typeof value === 'function'],
  assets: ADDRESS,
  signal: SIGNAL,
};
const SEARCH: Rules<SearchOptions> = {
  k: ['a whole number above 0', (value) => Number.isSafeInteger(value) && (value as number) > 0],
  signal: SIGNAL,
};
const CALL: Rules<Pick<SearchOptions, 'signal'>> = { signal: SIGNAL };

/**
 * Opens an index that `vit-webgpu index` wrote. Its vectors are fetched with the first search, or by `load()`.
 *
 * @param address of its folder or of its `index.json`, relative to the page; in Node a `file:` address, too
 * @throws ViTError `network`, `bad-manifest`, `bad-input` (also for the index of another model), `aborted`
 */
export async function openIndex(address: string | URL, options: OpenIndexOptions = {}): Promise<SearchIndex> {
  const { model, onProgress, worker, assets, signal } = checkOptions('openIndex', options, OPEN);
  const manifest = manifestAddress(address);
  throwIfAborted(signal);
  const connection = await connectIndex(worker, assets);
  try {
    const notify = (progress: LoadProgress) => {
      try {
        onProgress?.(progress);
      } catch (error) {
        // The page's own: no reason to stop here.
        setTimeout(() => {
          throw error;
        });
      }
    };
    // Within this thread the mark that `proxy` leaves means nothing.
    const opening = connection.index.open(manifest, proxy(notify));
    const first: Promise<IndexFacts>[] = [opening, connection.failed];
    if (signal)
      first.push(
        rejectOnAbort(
          signal,
          opening.catch(() => {}),
        ),
      );
    const facts = await Promise.race(first);
    if (model) requireModel(facts.model, model);
    return new SearchIndex(connection, facts);
  } catch (error) {
    connection.close();
    throw toViTError(error);
  }
}

function manifestAddress(address: string | URL): string {
  const [, check] = ADDRESS;
  if (!check(address)) throw badInput(`openIndex() takes the address of an index, not ${shown(address)}.`);
  try {
    const url = new URL(address, pageAddress());
    if (!url.pathname.endsWith('.json')) url.pathname = url.pathname.replace(/\/?$/, `/${MANIFEST}`);
    return url.href;
  } catch (cause) {
    throw badInput(
      `${shown(String(address))} is no address of an index${pageAddress() ? '' : '; give a whole one'}.`,
      cause,
    );
  }
}

/** By the checkpoint or else by its `model.json`, where both know it: a folder may have another name. */
function requireModel(index: IndexModel, { name, source, manifest }: QueryModel): void {
  const hashes = [
    [index.sha256, source.sha256],
    [index.manifest, manifest],
  ];
  const [of, its] = hashes.find(([a, b]) => a && b) ?? [index.name, name];
  if (of === its) return;
  const what =
    index.name === name ? `${name} of the hash ${of}, and this one's is ${its}` : `${index.name}, and this is ${name}`;
  throw badInput(
    `The index is of the model ${what}: their embeddings have nothing to do with one another. Take that model, or make an ` +
      'index with this one.',
  );
}

function isUrl(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object URL]';
}

export class SearchIndex {
  /** Vectors in all. */
  readonly rows: number;
  /** Numbers of each. */
  readonly dimension: number;
  /** How they are stored. */
  readonly dtype: VectorDtype;
  /** Whose embeddings they are. */
  readonly model: IndexModel;
  readonly #connection: IndexConnection;
  readonly #queue = new Queue();

  /** @internal Use `openIndex`. */
  constructor(connection: IndexConnection, { rows, dimension, dtype, model }: IndexFacts) {
    this.#connection = connection;
    this.rows = rows;
    this.dimension = dimension;
    this.dtype = dtype;
    this.model = model;
    connection.failed.catch((error) => this.#queue.close(error));
  }

  /** Fetches the vectors now instead of with the first search. @throws ViTError as `search` */
  async load(options: Pick<SearchOptions, 'signal'> = {}): Promise<void> {
    const { signal } = checkOptions('load', options, CALL);
    throwIfAborted(signal);
    return this.#queue.settle(this.#connection.index.load(), signal);
  }

  /**
   * The rows that are nearest to a vector, exactly: every one is compared.
   * @param vector `[dimension]`, of any length but zero: what `vit.embed(photo)` or `vit.embedText(words)` gave
   * @returns best first; of equal scores those that come first in the index. Fewer than `k` where the index has fewer rows.
   * @throws ViTError `bad-input`, `network`, `bad-shard`, `out-of-memory`, `aborted` (what others wait for goes on), `disposed`
   */
  async search(vector: ArrayLike<number>, options: SearchOptions = {}): Promise<Match[]> {
    const { k = 10, signal } = checkOptions('search', options, SEARCH);
    const query = this.#direction(vector);
    throwIfAborted(signal);
    return this.#queue.settle(this.#connection.index.search(query, k), signal);
  }

  /** Ends the worker and frees the memory; later calls reject with `disposed`. */
  dispose(): void {
    this.#queue.close(new ViTError('disposed', 'The index was disposed of; open it again.'));
    this.#connection.close();
  }

  #direction(vector: ArrayLike<number>): Float32Array {
    if (typeof vector === 'string' || typeof vector?.length !== 'number') {
      throw badInput(`search() takes an embedding, such as vit.embed(photo) gives; not ${shown(vector)}.`);
    }
    if (vector.length !== this.dimension) {
      const whose = `the index's have ${this.dimension}, of the model ${this.model.name}`;
      throw badInput(`search(): the vector has ${vector.length} numbers; ${whose}.`);
    }
    const numbers = Float64Array.from(vector);
    const length = Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
    if (!Number.isFinite(length)) throw badInput('search(): the vector holds NaN or infinity.');
    if (length === 0) throw badInput('search(): the vector is zero, which has no direction.');
    return Float32Array.from(numbers, (value) => value / length);
  }
}
