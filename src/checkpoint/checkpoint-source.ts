/**
 * A model that is converted where it runs. What was converted is kept like any model, under what it was made from: then nothing
 * is opened, asked for or converted again.
 */
import type { Conversion } from '../convert/answers.ts';
import { TOKENIZER } from '../convert/decide-words.ts';
import { drawn } from '../convert/pieces.ts';
import { ViTError } from '../error.ts';
import type { LoadedManifest, ShardEntry } from '../weights/manifest.ts';
import type { ModelCache } from '../weights/model-cache.ts';
import type { ModelSource } from '../weights/source.ts';
import type { Sha256 } from '../weights/verify.ts';
import type { CheckpointPlace } from './place.ts';
import { type Prepared, prepare } from './prepare.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Where a checkpoint is, before anything is asked there. */
export interface Origin {
  /** Names everything that the model depends on: what is kept is kept under this. */
  key(): Promise<string>;
  /** @param commit the one that was converted before, where it is opened once more */
  open(signal: AbortSignal, commit: string | undefined): Promise<CheckpointPlace>;
}

export interface Tools {
  /** Null where nothing is to be kept. */
  cache: ModelCache | null;
  hash: Sha256 | null;
  /** Of a manifest without a golden. */
  parse(json: unknown, where: string): LoadedManifest;
}

export class CheckpointSource implements ModelSource {
  readonly #origin: Origin;
  readonly #choices: Conversion;
  readonly #tools: Tools;
  #key = '';
  #place: CheckpointPlace | null = null;
  #prepared: Prepared | null = null;
  /** Of the conversion that the session knows. */
  #commit: string | undefined;

  constructor(origin: Origin, choices: Conversion, tools: Tools) {
    this.#origin = origin;
    this.#choices = choices;
    this.#tools = tools;
  }

  get #cache(): ModelCache | null {
    return this.#tools.cache;
  }

  get heldBytes(): number {
    return this.#place?.heldBytes ?? 0;
  }

  async readManifest(signal: AbortSignal): Promise<LoadedManifest> {
    this.#key = await this.#origin.key();
    const kept = await this.#cache?.manifest(this.#key);
    if (kept !== undefined) {
      const manifest = this.#tools.parse(kept, this.#key);
      this.#commit = manifest.source.revision;
      return manifest;
    }
    const { manifest } = await this.#prepare(signal);
    this.#commit = manifest.source.revision;
    // By the rules of every other manifest; these hashes are known when the shards are.
    const shards = manifest.shards.map((shard) => ({ ...shard, sha256: '0'.repeat(64) }));
    return { ...this.#tools.parse({ ...manifest, shards }, this.#key), shards: manifest.shards };
  }

  async *readShards(
    { shards }: { shards: ShardEntry[] },
    onBytes: (count: number) => void,
    signal: AbortSignal,
  ): AsyncGenerator<Bytes> {
    let done = 0;
    for await (const bytes of this.#readKept(shards, onBytes, signal)) {
      done++;
      yield bytes;
    }
    if (done < shards.length) yield* this.#convert(shards.slice(done), onBytes, signal);
  }

  /** Ends before the first that is not kept, or no more what it was. All are read into the same memory. */
  async *#readKept(shards: ShardEntry[], onBytes: (count: number) => void, signal: AbortSignal): AsyncGenerator<Bytes> {
    // Before a conversion their hashes are not known.
    if (!this.#cache || shards.some(({ sha256 }) => sha256 === '')) return;
    const memory = new Uint8Array(Math.max(...shards.map(({ bytes }) => bytes)));
    for (const shard of shards) {
      const bytes = await this.#cache.shard(shard, memory, this.#tools.hash);
      signal.throwIfAborted();
      if (!bytes) return;
      onBytes(bytes.length);
      yield bytes;
    }
  }

  async *#convert(wanted: ShardEntry[], onBytes: (count: number) => void, signal: AbortSignal): AsyncGenerator<Bytes> {
    const { manifest, tokenizer, write } = await this.#prepare(signal);
    const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
    let reported = 0;
    const report = (share: number) => {
      const bytes = Math.floor(share * total);
      onBytes(bytes - reported);
      reported = bytes;
    };
    // A download takes longer than all that comes after.
    let isHere = true;
    await this.#place!.complete((arrived, all) => {
      isHere = false;
      report(arrived / all);
    });
    if (manifest.words && tokenizer) {
      await this.#cache?.keepShard(manifest.words.tokenizer, tokenizer);
      if (wanted[0]?.file === TOKENIZER) yield tokenizer;
    }
    let left = wanted.filter(({ file }) => file !== TOKENIZER);
    const shards = drawn<{ file: string; bytes: Bytes }>((give) =>
      write({ write: (file, bytes) => give({ file, bytes }) }),
    );
    for await (const { file, bytes } of shards) {
      signal.throwIfAborted();
      const entry = manifest.shards.find((shard) => shard.file === file)!;
      const kept = this.#cache?.keepShard(entry, bytes);
      if (left[0]?.file === file) {
        requireSame(left[0], entry);
        left = left.slice(1);
        if (isHere) report((reported + bytes.length) / total);
        yield bytes;
      }
      await kept;
      if (left.length === 0 && !this.#cache) return;
    }
    await this.#cache?.keepManifest(this.#key, manifest);
    if ((await this.#cache?.manifest(this.#key)) !== undefined) {
      // From now on it is read from there.
      await this.#place!.release();
      this.#place = this.#prepared = null;
    }
  }

  async #prepare(signal: AbortSignal): Promise<Prepared> {
    this.#place ??= await this.#origin.open(signal, this.#commit);
    this.#prepared ??= await prepare(this.#place, this.#choices);
    return this.#prepared;
  }
}

/** @throws ViTError `bad-shard` where what is converted again is another model by now */
function requireSame(expected: ShardEntry, { file, bytes, sha256 }: ShardEntry): void {
  if (bytes === expected.bytes && (expected.sha256 === '' || expected.sha256 === sha256)) return;
  throw new ViTError('bad-shard', `${file} is another one than when the model was loaded. Load it again.`);
}
