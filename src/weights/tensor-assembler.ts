/**
 * From shards, one after another, to tensors: each tensor is handed on in pieces, as its bytes arrive. No shard is kept, and
 * no tensor is ever held whole here.
 */
import { ViTError } from '../error.ts';
import { decodeHalfs } from './half.ts';
import { BYTES_PER_ELEMENT, type Manifest, scaleBytes, shardStarts, type TensorEntry } from './manifest.ts';
import { decodeScaled } from './scaled-bytes.ts';

/** A run of a tensor's elements. The pieces of one tensor come in order. */
export interface TensorPiece {
  name: string;
  /** Elements of the whole tensor, and the place of this piece's first one among them. */
  length: number;
  first: number;
  /** Of the whole tensor, where it has some: so many elements in a row share each, and are whole numbers of it. */
  scales?: Float32Array<ArrayBuffer>;
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
  /** Of the tensor that is arriving: as bytes, and what they are. */
  #scaleBytes = new Uint8Array();
  #scales = new Float32Array();

  constructor({ tensors, shards }: Pick<Manifest, 'tensors' | 'shards'>, sink: (piece: TensorPiece) => void) {
    this.#tensors = Object.entries(tensors);
    this.#sink = sink;
    this.#starts = shardStarts(shards);
  }

  /** Takes the next shard, in order. @throws ViTError `bad-shard` where bytes of i8 are not from -127 to 127 */
  addShard(shard: Uint8Array<ArrayBuffer>): void {
    const start = this.#starts[this.#shard++];
    for (const [name, entry] of this.#tensors) {
      const { dtype, bytes } = entry;
      const size = BYTES_PER_ELEMENT[dtype];
      const scales = scaleBytes(entry);
      // Relative to this shard.
      const begin = this.#starts[entry.shard] + entry.offset - start;
      const end = Math.min(begin + bytes, shard.length);
      const elements = begin + scales;
      let at = Math.max(begin, 0);
      if (at < Math.min(elements, end)) {
        if (at === begin) this.#scaleBytes = new Uint8Array(scales);
        const part = shard.subarray(at, Math.min(elements, end));
        this.#scaleBytes.set(part, at - begin);
        at += part.length;
        if (at === elements) this.#scales = decode(this.#scaleBytes, dtype === 'i4' ? 'f16' : 'f32');
      }
      const length = (bytes - scales) / size;
      for (; at < end; at += PIECE * size) {
        const part = shard.subarray(at, Math.min(at + PIECE * size, end));
        const first = (at - elements) / size;
        // GPUs unpack it as -127.
        if (dtype === 'i8' && part.includes(128)) throw new ViTError('bad-shard', `${name} has a byte of -128.`);
        const shared = scales > 0 ? this.#scales : undefined;
        const data = shared ? decodeScaled(part, shared, first, length, 8 * size) : decode(part, dtype);
        this.#sink({ name, length, first, data, scales: shared });
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
