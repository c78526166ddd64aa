/**
 * Where a model comes from. Whatever that is, the manifest is read once, and the shards each time a backend is filled.
 */
import { ViTError } from '../error.ts';
import type { ModelFiles } from '../interface.ts';
import { fetchManifest, fetchShards } from './fetch-model.ts';
import type { LoadedManifest, ParsedManifest, ShardEntry } from './manifest.ts';
import { ModelCache } from './model-cache.ts';
import { parseManifest } from './parse-manifest.ts';
import type { ShardAddresses } from './shard-addresses.ts';
import { type Sha256, verify } from './verify.ts';

export interface ModelSource {
  /** Bytes that stay in memory for as long as the model is used. */
  readonly heldBytes: number;
  /** @throws ViTError `network`, `bad-manifest`, `unsupported-model`, `aborted` */
  readManifest(signal: AbortSignal): Promise<LoadedManifest>;
  /**
   * Files in order, verified; each is valid until the next one is asked for.
   * @param files of what `readManifest` returned: all of its shards, some, or its tokenizer
   * @param onBytes called with the number of bytes that have arrived since the last call: in all, those of the files
   * @throws ViTError `network`, `bad-shard`, `aborted`
   */
  readShards(
    files: { shards: ShardEntry[] },
    onBytes: (count: number) => void,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

export interface SourceOptions {
  /** Default true. */
  cache?: boolean;
  /** What shards are checked with; null where there is nothing. */
  hash: Sha256 | null;
  /** Called when nothing can be kept. */
  warn(message: string): void;
}

/** @param source the absolute URL of a `model.json`, or a model in memory */
export function openSource(source: string | ModelFiles, { cache = true, hash, warn }: SourceOptions): ModelSource {
  if (typeof source !== 'string') return new MemorySource(source, hash);
  return new UrlSource(source, cache ? ModelCache.open(warn) : null, hash);
}

class UrlSource implements ModelSource {
  readonly heldBytes = 0;
  readonly #url: string;
  readonly #opening: Promise<ModelCache> | null;
  readonly #hash: Sha256 | null;
  #cache: ModelCache | null = null;
  #addresses!: ShardAddresses;

  constructor(url: string, opening: Promise<ModelCache> | null, hash: Sha256 | null) {
    this.#url = url;
    this.#opening = opening;
    this.#hash = hash;
  }

  async readManifest(signal: AbortSignal): Promise<ParsedManifest> {
    const { manifest, addresses } = await fetchManifest(this.#url, this.#opening, signal);
    this.#addresses = addresses;
    this.#cache = await this.#opening;
    return manifest;
  }

  readShards(files: { shards: ShardEntry[] }, onBytes: (count: number) => void, signal: AbortSignal) {
    return fetchShards(files, { addresses: this.#addresses, cache: this.#cache, hash: this.#hash, onBytes, signal });
  }
}

class MemorySource implements ModelSource {
  readonly heldBytes: number;
  readonly #files: ModelFiles;
  /** Of the manifest. */
  #shards: ShardEntry[] = [];
  readonly #hash: Sha256 | null;

  constructor(files: ModelFiles, hash: Sha256 | null) {
    this.#files = files;
    this.#hash = hash;
    this.heldBytes = [...files.shards, files.tokenizer].reduce((sum, file) => sum + (file?.length ?? 0), 0);
  }

  async readManifest(): Promise<ParsedManifest> {
    const { manifest: json, shards } = this.#files;
    const manifest = parseManifest(json, 'The manifest');
    this.#shards = manifest.shards;
    if (shards.length === manifest.shards.length) return manifest;
    throw new ViTError('bad-shard', `There are ${shards.length} shards; the manifest has ${manifest.shards.length}.`);
  }

  async *readShards({ shards }: { shards: ShardEntry[] }, onBytes: (count: number) => void) {
    for (const entry of shards) {
      const index = this.#shards.indexOf(entry);
      const bytes = index < 0 ? this.#files.tokenizer : this.#files.shards[index];
      if (!bytes) throw new ViTError('bad-input', `Give ${entry.file} as tokenizer.`);
      const shard = await verify(bytes, entry, this.#hash);
      onBytes(shard.length);
      yield shard;
    }
  }
}
