/**
 * From shards, one after another, to tensors: each is handed on as soon as its last byte is there. Nothing is kept of a
 * shard but the beginning of a tensor that goes on in the next one.
 */
import { decodeHalfs } from './half.ts';
import type { Manifest, TensorEntry } from './manifest.ts';

/** `data` is only valid during the call. */
export type TensorSink = (name: string, data: Float32Array<ArrayBuffer>) => void;

export class TensorAssembler {
  readonly #tensors: [string, TensorEntry][];
  readonly #sink: TensorSink;
  #shard = 0;
  /** The tensor whose bytes are arriving in pieces. */
  #open: { name: string; entry: TensorEntry; bytes: Uint8Array<ArrayBuffer>; filled: number } | null = null;

  constructor({ tensors }: Pick<Manifest, 'tensors'>, sink: TensorSink) {
    this.#tensors = Object.entries(tensors);
    this.#sink = sink;
  }

  /** Takes the next shard, in order. */
  addShard(shard: Uint8Array<ArrayBuffer>): void {
    if (this.#open) this.#continue(shard);
    for (const [name, entry] of this.#tensors) {
      if (entry.shard !== this.#shard) continue;
      const piece = shard.subarray(entry.offset, entry.offset + entry.bytes);
      if (piece.length === entry.bytes) this.#sink(name, decode(piece, entry));
      else {
        this.#open = { name, entry, bytes: new Uint8Array(entry.bytes), filled: piece.length };
        this.#open.bytes.set(piece);
      }
    }
    this.#shard++;
  }

  #continue(shard: Uint8Array<ArrayBuffer>): void {
    const open = this.#open!;
    const piece = shard.subarray(0, open.entry.bytes - open.filled);
    open.bytes.set(piece, open.filled);
    open.filled += piece.length;
    if (open.filled === open.entry.bytes) {
      this.#open = null;
      this.#sink(open.name, decode(open.bytes, open.entry));
    }
  }
}

/** Little-endian, as every machine is that browsers run on. A view where the bytes are aligned, a copy elsewhere. */
function decode(bytes: Uint8Array<ArrayBuffer>, { dtype }: TensorEntry): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (dtype === 'f16') return decodeHalfs(new Uint16Array(buffer, byteOffset, length / 2));
  return new Float32Array(buffer, byteOffset, length / 4);
}
