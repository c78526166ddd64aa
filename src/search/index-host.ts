/**
 * An index where it is searched: in a worker, or in the caller's thread. What it is made of is fetched when it is first needed.
 */
import { ViTError } from '../error.ts';
import { VERSION } from '../version.ts';
import { type IndexFiles, openFiles, parseJson } from './index-files.ts';
import type { IndexFacts, IndexInterface, LoadProgress, Match } from './index-interface.ts';
import type { IndexShard } from './index-manifest.ts';
import { type Ranked, TopK } from './top-k.ts';
import { BLOCK, reserveVectors, type Vectors } from './vectors.ts';

export class IndexHost implements IndexInterface {
  readonly #end = new AbortController();
  #files!: IndexFiles;
  #notify: (progress: LoadProgress) => void = () => {};
  #vectors: Vectors | null = null;
  /** Shards whose vectors are here. */
  #arrived = 0;
  /** While they are fetched, and once all are here. */
  #loading: Promise<Vectors> | null = null;
  /** By the number of their shard. */
  readonly #ids = new Map<number, Promise<string[]>>();

  async release(): Promise<string> {
    return VERSION;
  }

  async open(address: string, notify: (progress: LoadProgress) => void): Promise<IndexFacts> {
    this.#notify = notify;
    this.#files = await openFiles(address, this.#end.signal);
    const { model, rows, dimension, dtype } = this.#files.manifest;
    return { model, rows, dimension, dtype };
  }

  async load(): Promise<void> {
    await this.#needVectors();
  }

  async search(query: Float32Array, k: number): Promise<Match[]> {
    const vectors = await this.#needVectors();
    const { rows } = this.#files.manifest;
    const best = new TopK(k);
    for (let row = 0; row < rows; row += BLOCK) {
      best.add(vectors.products(query, row, Math.min(BLOCK, rows - row)), row);
    }
    return this.#named(best.best());
  }

  async dispose(): Promise<void> {
    this.#end.abort();
    this.#vectors = null;
    this.#loading = null;
    this.#ids.clear();
  }

  /** Whoever comes meanwhile waits for the same; after a failure the next one goes on where it was. */
  #needVectors(): Promise<Vectors> {
    this.#loading ??= this.#fetchVectors().catch((error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  async #fetchVectors(): Promise<Vectors> {
    const { manifest } = this.#files;
    this.#vectors ??= await reserveVectors(manifest);
    const vectors = this.#vectors;
    const missing = manifest.shards.slice(this.#arrived);
    let row = rowsOf(manifest.shards.slice(0, this.#arrived));
    const total = bytesOf(manifest.shards);
    let loaded = total - bytesOf(missing);
    const onBytes = (count: number) => {
      loaded += count;
      this.#notify({ loaded, total });
    };
    const files = missing.map((shard) => shard.vectors);
    if (files.length === 0) return vectors;
    for await (const bytes of this.#files.read(files, onBytes, this.#end.signal)) {
      vectors.put(bytes, row);
      row += manifest.shards[this.#arrived++].rows;
    }
    return vectors;
  }

  /** Rows with their ids, of which only those of the shards that they lie in are fetched. */
  async #named(ranked: Ranked[]): Promise<Match[]> {
    return Promise.all(
      ranked.map(async ({ row, score }) => {
        const { shards } = this.#files.manifest;
        let number = 0;
        for (; row >= shards[number].rows; number++) row -= shards[number].rows;
        return { id: (await this.#needIds(number, shards[number]))[row], score };
      }),
    );
  }

  #needIds(number: number, shard: IndexShard): Promise<string[]> {
    const reading = this.#ids.get(number) ?? this.#readIds(shard);
    this.#ids.set(number, reading);
    reading.catch(() => this.#ids.delete(number));
    return reading;
  }

  async #readIds({ rows, ids: entry }: IndexShard): Promise<string[]> {
    for await (const bytes of this.#files.read([entry], () => {}, this.#end.signal)) {
      const ids = parseJson(new TextDecoder().decode(bytes), entry.file);
      const isList = Array.isArray(ids) && ids.length === rows && ids.every((id) => typeof id === 'string');
      if (isList) return ids;
    }
    throw new ViTError(
      'bad-shard',
      `${entry.file} is no list of ${rows} texts, the ids of its rows. Make the index again.`,
    );
  }
}

function rowsOf(shards: IndexShard[]): number {
  return shards.reduce((sum, { rows }) => sum + rows, 0);
}

function bytesOf(shards: IndexShard[]): number {
  return shards.reduce((sum, { vectors }) => sum + vectors.bytes, 0);
}
