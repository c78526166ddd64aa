/**
 * From shards, one after another, to tensors: each tensor is handed on in pieces, as its bytes arrive. No shard is kept, and
 * no tensor is ever held whole here.
 */
import { decodeHalfs } from './half.ts';
import { BYTES_PER_ELEMENT, type Manifest, shardStarts, type TensorEntry } from './manifest.ts';

/** A run of a tensor's elements. The pieces of one tensor come in order. */
export interface TensorPiece {
  name: string;
  /** Elements of the whole tensor, and the place of this piece's first one among them. */
  length: number;
  first: number;
  /** Only valid during the call that hands it over. */
  data: Float32Array<ArrayBuffer>;
}

/** Elements per piece at most, so that decoding f16 takes little memory. */
const PIECE = 1 << 18;

export class TensorAssembler {
  readonly #tensors: [string, TensorEntry][];
  readonly #sink: (piece: TensorPiece) => void;
  /** Where each shard begins and ends when all are laid end to end, which is how tensors span them. */
  readonly #starts: number[];
  #shard = 0;

  constructor({ tensors, shards }: Pick<Manifest, 'tensors' | 'shards'>, sink: (piece: TensorPiece) => void) {
    this.#tensors = Object.entries(tensors);
    this.#sink = sink;
    this.#starts = shardStarts(shards);
  }

  /** Takes the next shard, in order. */
  addShard(shard: Uint8Array<ArrayBuffer>): void {
    const start = this.#starts[this.#shard++];
    for (const [name, { shard: firstShard, offset, bytes, dtype }] of this.#tensors) {
      // Relative to this shard.
      const begin = this.#starts[firstShard] + offset - start;
      const end = Math.min(begin + bytes, shard.length);
      const size = BYTES_PER_ELEMENT[dtype];
      for (let at = Math.max(begin, 0); at < end; at += PIECE * size) {
        const data = decode(shard.subarray(at, Math.min(at + PIECE * size, end)), dtype);
        this.#sink({ name, length: bytes / size, first: (at - begin) / size, data });
      }
    }
  }
}

/** Little-endian, as are all machines that run browsers. A view if the bytes are aligned, otherwise a copy. */
function decode(bytes: Uint8Array<ArrayBuffer>, dtype: TensorEntry['dtype']): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (dtype === 'f16') return decodeHalfs(new Uint16Array(buffer, byteOffset, length / 2));
  return new Float32Array(buffer, byteOffset, length / 4);
}
