/**
 * Tensors to shards. All tensors form one stream, each beginning at a multiple of 256 bytes; the stream is cut into
 * shards of one size, the last being what is left. A text tower begins with a shard of its own: it is fetched by itself. Where everything lies is known before the first byte is written.
 */
import { ViTError } from '../error.ts';
import { hashesOf } from '../weights/hashes-of.ts';
import {
  ALIGNMENT,
  BYTES_PER_ELEMENT,
  type Dtype,
  GROUP,
  type ShardEntry,
  scaleBytes,
  type TensorEntry,
} from '../weights/manifest.ts';
import { release } from '../weights/memory.ts';
import { elementCount } from './checkpoint.ts';
import { sha256 } from './sha256.ts';
import type { Sink } from './sink.ts';

/** Behind it come those of the text tower alone. */
const FIRST_OF_TEXTS = 'text.token_embed.weight';

export const DEFAULT_SHARD_BYTES = 8 * 2 ** 20;

export interface ShardLayout {
  /** By canonical name, in the order of the stream. */
  tensors: Record<string, TensorEntry>;
  /** Bytes of each shard. */
  shards: number[];
}

/**
 * @param shapes canonical name -> shape
 * @param dtype of the model: `storedAs` says what it is of each tensor
 * @param shardBytes of every shard but the last, and the last of images
 * @param chosen what single tensors are stored as instead
 * @throws ViTError `bad-input` when `shardBytes` is no multiple of 256.
 */
export function layOutShards(
  shapes: ReadonlyMap<string, readonly number[]>,
  dtype: Dtype,
  shardBytes: number,
  chosen: ReadonlyMap<string, Dtype> = new Map(),
): ShardLayout {
  if (!Number.isSafeInteger(shardBytes) || shardBytes < ALIGNMENT || shardBytes % ALIGNMENT !== 0) {
    throw new ViTError('bad-input', `Shards must have a multiple of ${ALIGNMENT} bytes, not ${shardBytes}.`);
  }
  const tensors: Record<string, TensorEntry> = {};
  const shards: number[] = [];
  let end = 0;
  /** Cuts what has been laid out since the last time. */
  const cut = () => {
    for (let begin = 0; begin < end; begin += shardBytes) shards.push(Math.min(shardBytes, end - begin));
    end = 0;
  };
  let first = 0;
  for (const [name, shape] of shapes) {
    if (name === FIRST_OF_TEXTS) {
      end = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      cut();
      first = shards.length;
    }
    const stored = { dtype: chosen.get(name) ?? storedAs(name, shape, dtype), shape: [...shape] };
    const begin = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    const bytes = elementCount(shape) * BYTES_PER_ELEMENT[stored.dtype] + scaleBytes(stored);
    tensors[name] = {
      ...stored,
      shard: first + Math.floor(begin / shardBytes),
      offset: begin % shardBytes,
      bytes,
    };
    end = begin + bytes;
  }
  cut();
  return { tensors, shards };
}

/** Nearly all of a model: the matrices of its blocks. */
const MATRICES = /^(text\.)?blocks\.\d+\.(attn\.(qkv|proj)|mlp\.fc[12])\.weight$/;

/** Whether a tensor may have 8 bits. Every one that may not is small, and all of a picture goes through it. */
export function isMatrixOfBlock(name: string): boolean {
  return MATRICES.test(name);
}

/** Whether the rows of a tensor are whole groups of `i4`. */
export function hasGroups(shape: readonly number[]): boolean {
  return shape.length > 1 && elementCount(shape.slice(1)) % GROUP === 0;
}

/** In halves, angles of rotary positions would be off by more than all the rest. */
function storedAs(name: string, shape: readonly number[], dtype: Dtype): Dtype {
  if (name === 'rope.freqs') return 'f32';
  if (dtype !== 'i8' && dtype !== 'i4') return dtype;
  if (!isMatrixOfBlock(name)) return 'f16';
  return dtype === 'i4' && hasGroups(shape) ? 'i4' : 'i8';
}

/** The shards of a layout, before they are written: their hashes are empty. */
export function shardEntries({ shards }: ShardLayout): ShardEntry[] {
  const pad = (number: number) => String(number).padStart(5, '0');
  const file = (i: number) => `shard-${pad(i + 1)}-of-${pad(shards.length)}.bin`;
  return shards.map((bytes, i) => ({ file: file(i), bytes, sha256: '' }));
}

/** Takes the tensors in the order of the layout; holds one shard at a time, in the same memory, and hands it over as soon as it is full. */
export class ShardWriter {
  readonly #layout: ShardLayout;
  readonly #sink: Sink;
  readonly #entries: ShardEntry[];
  readonly #memory: ArrayBuffer;
  /** What is being filled of it. */
  #shard!: Uint8Array<ArrayBuffer>;
  /** How many shards were handed over. */
  #done = 0;
  #filled = 0;

  /** @param entries get the hashes as shards are filled */
  constructor(layout: ShardLayout, sink: Sink, entries = shardEntries(layout)) {
    this.#layout = layout;
    this.#sink = sink;
    this.#entries = entries;
    this.#memory = new ArrayBuffer(Math.max(...layout.shards));
    this.#begin();
  }

  /** @param bytes of the tensor, as many as its layout says. */
  async add(name: string, bytes: Uint8Array): Promise<void> {
    const { shard, offset } = this.#layout.tensors[name];
    // The gap before this tensor reached to the end of the shard before.
    if (shard > this.#done) await this.#handOver();
    this.#filled = offset;
    let done = 0;
    while (done < bytes.length) {
      const part = bytes.subarray(done, done + this.#shard.length - this.#filled);
      this.#shard.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === this.#shard.length) await this.#handOver();
    }
  }

  /** After the last tensor. */
  async finish(): Promise<ShardEntry[]> {
    if (this.#done < this.#entries.length) await this.#handOver();
    release(this.#memory);
    return this.#entries;
  }

  async #handOver(): Promise<void> {
    const bytes = this.#shard;
    const entry = this.#entries[this.#done++];
    Object.assign(entry, await hashesOf(bytes, sha256));
    await this.#sink.write(entry.file, bytes);
    this.#begin();
  }

  #begin(): void {
    this.#shard = new Uint8Array(this.#memory, 0, this.#layout.shards[this.#done] ?? 0).fill(0);
    this.#filled = 0;
  }
}
