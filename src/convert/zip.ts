/**
 * Zip archives by random access: a directory that is checked as a whole, members that are read by ranges; with the bounds that
 * keep a hostile archive from taking memory, and the errors that name the member. By hand, since a library of ten times the
 * size has writing, encryption and workers in it. Knows nothing of what the members mean.
 *
 * Members are either stored (what PyTorch and NumPy write) and read where they lie, or deflated and inflated as a whole.
 * Either way the CRC of a member is checked before its first byte is given away.
 */
import { ViTError } from '../error.ts';
import { chunksOf } from '../weights/memory.ts';
import type { Source } from './byte-source.ts';
import { crc32 } from './crc32.ts';
import { broken, readDirectory, type ZipEntry } from './zip-directory.ts';

export interface ZipMember {
  readonly name: string;
  /** In bytes, after inflating. */
  readonly size: number;
  /**
   * @returns these bytes, alone in a buffer of their own.
   * @throws ViTError `bad-input` naming the member when its CRC or its size is not what the directory says.
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** No deflate stream makes more of its bytes (zlib, "Technical Details"). */
const MOST_EXPANSION = 1032;

/** Weights deflate to no less than half; buffers of zeros may go further, but not all of an archive. */
const INFLATED_PER_BYTE = 64;
const INFLATED_ANYWAY = 16 * 2 ** 20;

const STORED = 0;
const DEFLATED = 8;

const LOCAL_HEADER = { bytes: 30, signature: 0x04034b50, nameLength: 26, extraLength: 28 };

/** Bytes that are read at a time. */
const PIECE = 1 << 20;

/** @throws ViTError `bad-input` when this is not a whole zip archive, or claims to hold more than it can. */
export async function openZip(source: Source): Promise<Map<string, ZipMember>> {
  const entries = await readDirectory(source);
  checkDirectory(entries, source.size);
  const cache: Cache = {};
  return new Map(entries.map((entry) => [entry.name, new Member(entry, source, cache)]));
}

function checkDirectory(entries: ZipEntry[], fileSize: number): void {
  const names = new Set<string>();
  let inflated = 0;
  for (const { name, encrypted, method, compressedSize, size } of entries) {
    if (names.has(name)) throw broken(`two members are called ${name}`);
    names.add(name);
    if (encrypted) throw broken(`${name} is encrypted`);
    if (method !== STORED && method !== DEFLATED) {
      throw broken(`${name} is compressed by method ${method}; stored and deflated can be read`);
    }
    if (method === STORED && compressedSize !== size) {
      throw broken(`${name} is stored, but its two sizes are ${compressedSize} and ${size} bytes`);
    }
    if (size > compressedSize * MOST_EXPANSION) {
      throw broken(`${name} claims to inflate from ${compressedSize} to ${size} bytes, which cannot be`);
    }
    if (method === DEFLATED) inflated += size;
  }
  const most = INFLATED_PER_BYTE * fileSize + INFLATED_ANYWAY;
  if (inflated > most)
    throw broken(`it would inflate to ${inflated} bytes; from ${fileSize} bytes ${most} is the most`);
  refuseOverlaps(entries, fileSize);
}

/** Members that share their bytes are how a small archive claims to be a large one. */
function refuseOverlaps(entries: ZipEntry[], fileSize: number): void {
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [i, { name, offset, compressedSize }] of inOrder.entries()) {
    const end = offset + LOCAL_HEADER.bytes + new TextEncoder().encode(name).length + compressedSize;
    if (end > fileSize) throw broken(`${name} ends at byte ${end} of a file of ${fileSize}`);
    const next = inOrder[i + 1];
    if (next && end > next.offset) throw broken(`${name} and ${next.name} overlap at byte ${next.offset}`);
  }
}

/** The member that was inflated last: tensors that share a storage are read one after another. */
interface Cache {
  name?: string;
  bytes?: Uint8Array<ArrayBuffer>;
}

class Member implements ZipMember {
  readonly #entry: ZipEntry;
  readonly #source: Source;
  readonly #cache: Cache;
  /** Of a stored member, in the file; known once its CRC is checked. */
  #begin: number | undefined;

  constructor(entry: ZipEntry, source: Source, cache: Cache) {
    this.#entry = entry;
    this.#source = source;
    this.#cache = cache;
  }

  get name(): string {
    return this.#entry.name;
  }

  get size(): number {
    return this.#entry.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw broken(`bytes ${offset} to ${offset + length} were asked of ${this.name}, which has ${this.size}`);
    }
    if (this.#entry.method === STORED) {
      this.#begin ??= await this.#checkStored();
      return this.#source.read(this.#begin + offset, length);
    }
    if (this.#cache.name !== this.name) {
      // The one before goes first.
      this.#cache.bytes = undefined;
      this.#cache.bytes = await this.#inflate();
      this.#cache.name = this.name;
    }
    return this.#cache.bytes!.slice(offset, offset + length);
  }

  /** @returns where its bytes begin in the file. */
  async #checkStored(): Promise<number> {
    const begin = await this.#findBegin();
    await this.#check(this.#compressed(begin), () => {});
    return begin;
  }

  async #inflate(): Promise<Uint8Array<ArrayBuffer>> {
    const inflated = new Uint8Array(this.size);
    let filled = 0;
    await this.#check(inflate(this.#compressed(await this.#findBegin())), (piece) => {
      inflated.set(piece, filled);
      filled += piece.length;
    });
    return inflated;
  }

  async #findBegin(): Promise<number> {
    const { bytes, signature, nameLength, extraLength } = LOCAL_HEADER;
    const { offset, compressedSize } = this.#entry;
    const header = new DataView((await this.#source.read(offset, bytes)).buffer);
    if (header.getUint32(0, true) !== signature) throw broken(`${this.name} has no header at byte ${offset}`);
    const begin = offset + bytes + header.getUint16(nameLength, true) + header.getUint16(extraLength, true);
    if (begin + compressedSize <= this.#source.size) return begin;
    throw broken(`${this.name} ends at byte ${begin + compressedSize} of a file of ${this.#source.size}`);
  }

  async *#compressed(begin: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const end = begin + this.#entry.compressedSize;
    for (let at = begin; at < end; at += PIECE) yield this.#source.read(at, Math.min(PIECE, end - at));
  }

  /** All bytes of the member, in turn; never more than the directory states. */
  async #check(pieces: AsyncIterable<Uint8Array>, take: (piece: Uint8Array) => void): Promise<void> {
    let total = 0;
    let crc = 0;
    try {
      for await (const piece of pieces) {
        total += piece.length;
        if (total > this.size) throw broken(`${this.name} has more than the ${this.size} bytes the directory states`);
        crc = crc32(piece, crc);
        take(piece);
      }
    } catch (cause) {
      if (cause instanceof ViTError) throw cause;
      throw broken(`${this.name} cannot be read (${(cause as Error).message})`, cause);
    }
    if (total !== this.size) throw broken(`${this.name} has ${total} bytes; the directory states ${this.size}`);
    if (crc !== this.#entry.crc) throw broken(`${this.name} cannot be read (its CRC is not that of the directory)`);
  }
}

async function* inflate(pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  const feed = async () => {
    for await (const piece of pieces) await writer.write(piece);
    await writer.close();
  };
  // What goes wrong here shows at the other end.
  feed().catch((error) => writer.abort(error).catch(() => {}));
  yield* chunksOf(readable);
}
