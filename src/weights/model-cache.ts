/**
 * Models that are kept from one visit to the next. Shards are kept by their SHA-256, so that models can share them and a
 * new version of a model never reads the old one's bytes; manifests are kept by their URL. Nothing that goes wrong here
 * stops a model from loading: there is one warning, and the cache is left alone from then on.
 */
import { Arrival } from './arrival.ts';
import { keep } from './keep.ts';
import { MANIFEST, readKept, removeOrphans } from './kept-models.ts';
import type { ShardEntry } from './manifest.ts';
import { openStore, type Store } from './store.ts';
import { type Sha256, sha256 } from './verify.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export class ModelCache {
  #store: Store | null;
  readonly #warn: (message: string) => void;

  /** @param warn called once, with a sentence for people, when the cache fails */
  static async open(warn: (message: string) => void): Promise<ModelCache> {
    return new ModelCache(await openStore(), warn);
  }

  constructor(store: Store | null, warn: (message: string) => void) {
    this.#store = store;
    this.#warn = warn;
  }

  /** Whether anything is kept: then a browser need not do so, too. */
  get keeps(): boolean {
    return this.#store !== null;
  }

  /** The JSON that `keepManifest` was given; `undefined` if it was not called. */
  async manifest(url: string): Promise<unknown> {
    return (await this.#try(async (store) => readKept(store, await manifestName(url))))?.manifest;
  }

  /** Keeps a manifest, and removes shards that only an older version of it had. */
  async keepManifest(url: string, manifest: unknown): Promise<void> {
    const kept = JSON.stringify({ url, manifest });
    await this.#try(async (store) => {
      const name = await manifestName(url);
      const before = await readKept(store, name);
      if (before && JSON.stringify(before) === kept) return;
      await keep(store, name, new TextEncoder().encode(kept));
      if (before) await removeOrphans(store);
    });
  }

  /** @returns the shard within `buffer`; null where it is not here, or is not what it was: then it is removed */
  async shard(shard: ShardEntry, buffer: Bytes, hash?: Sha256 | null): Promise<Bytes | null> {
    const stream = await this.#try((store) => store.read(shard.sha256));
    if (!stream) return null;
    try {
      const arrival = new Arrival(shard, buffer, hash);
      await arrival.read(stream);
      return arrival.whole();
    } catch {
      await this.#try((store) => store.remove(shard.sha256));
      return null;
    }
  }

  /** @param bytes verified */
  async keepShard({ sha256 }: ShardEntry, bytes: Bytes): Promise<void> {
    await this.#try((store) => keep(store, sha256, bytes));
  }

  async #try<T>(work: (store: Store) => Promise<T>): Promise<T | undefined> {
    if (!this.#store) return undefined;
    try {
      return await work(this.#store);
    } catch (error) {
      if (this.#store) {
        this.#store = null;
        const { name, message } = error as Error;
        const full = name === 'QuotaExceededError' ? ' There is no room left for it.' : '';
        this.#warn(`The model is not kept for the next visit.${full} (${name}: ${message})`);
      }
      return undefined;
    }
  }
}

async function manifestName(url: string): Promise<string> {
  return (await sha256(new TextEncoder().encode(url))) + MANIFEST;
}
