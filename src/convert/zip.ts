/**
 * Zip archives by random access: a directory that is checked as a whole, members that are read by ranges. The format
 * itself (zip64, local headers, deflate) is the zip library's; here are the bounds that keep a hostile archive from
 * taking memory, and the errors that name the member. Knows nothing of what the members mean.
 *
 * Members are either stored (what PyTorch and NumPy write) and read where they lie, or deflated and inflated as a whole.
 * Either way the CRC of a member is checked before its first byte is given away.
 */
import { type FileEntry, Reader, ZipReader } from '@zip.js/zip.js/lib/zip-core-native.js';
import { ViTError } from '../error.ts';
import type { Source } from './source.ts';

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

/** A checkpoint has some thousand members. */
const MOST_MEMBERS = 200_000;

const STORED = 0;
const DEFLATED = 8;

const LOCAL_HEADER = { bytes: 30, signature: 0x04034b50, nameLength: 26, extraLength: 28 };

/** Everything in this thread: the members are read one after another. */
const OPTIONS = { useWebWorkers: false, checkCrc32: true };

/** @throws ViTError `bad-input` when this is not a whole zip archive, or claims to hold more than it can. */
export async function openZip(source: Source): Promise<Map<string, ZipMember>> {
  const entries: FileEntry[] = [];
  const reader = new ZipReader(new SourceReader(source), OPTIONS);
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      if (entries.length === MOST_MEMBERS) throw broken(`it has more than ${MOST_MEMBERS} members`);
      if (!entry.directory) entries.push(entry);
    }
  } catch (cause) {
    throw wrap(cause, 'its directory cannot be read');
  }
  checkDirectory(entries, source.size);
  const cache: Cache = {};
  return new Map(entries.map((entry) => [entry.filename, new Member(entry, source, cache)]));
}

function checkDirectory(entries: FileEntry[], fileSize: number): void {
  const names = new Set<string>();
  let inflated = 0;
  for (const { filename, encrypted, compressionMethod, compressedSize, uncompressedSize } of entries) {
    if (names.has(filename)) throw broken(`two members are called ${filename}`);
    names.add(filename);
    if (encrypted) throw broken(`${filename} is encrypted`);
    if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
      throw broken(`${filename} is compressed by method ${compressionMethod}; stored and deflated can be read`);
    }
    if (compressionMethod === STORED && compressedSize !== uncompressedSize) {
      throw broken(`${filename} is stored, but its two sizes are ${compressedSize} and ${uncompressedSize} bytes`);
    }
    if (uncompressedSize > compressedSize * MOST_EXPANSION) {
      throw broken(
        `${filename} claims to inflate from ${compressedSize} to ${uncompressedSize} bytes, which cannot be`,
      );
    }
    if (compressionMethod === DEFLATED) inflated += uncompressedSize;
  }
  const most = INFLATED_PER_BYTE * fileSize + INFLATED_ANYWAY;
  if (inflated > most)
    throw broken(`it would inflate to ${inflated} bytes; from ${fileSize} bytes ${most} is the most`);
  refuseOverlaps(entries, fileSize);
}

/** Members that share their bytes are how a small archive claims to be a large one. */
function refuseOverlaps(entries: FileEntry[], fileSize: number): void {
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [i, { filename, offset, compressedSize, rawFilename }] of inOrder.entries()) {
    const end = offset + LOCAL_HEADER.bytes + rawFilename.length + compressedSize;
    if (end > fileSize) throw broken(`${filename} ends at byte ${end} of a file of ${fileSize}`);
    const next = inOrder[i + 1];
    if (next && end > next.offset) throw broken(`${filename} and ${next.filename} overlap at byte ${next.offset}`);
  }
}

/** The member that was inflated last: tensors that share a storage are read one after another. */
interface Cache {
  name?: string;
  bytes?: Uint8Array<ArrayBuffer>;
}

class Member implements ZipMember {
  readonly #entry: FileEntry;
  readonly #source: Source;
  readonly #cache: Cache;
  /** Of a stored member, in the file; known once its CRC is checked. */
  #begin: number | undefined;

  constructor(entry: FileEntry, source: Source, cache: Cache) {
    this.#entry = entry;
    this.#source = source;
    this.#cache = cache;
  }

  get name(): string {
    return this.#entry.filename;
  }

  get size(): number {
    return this.#entry.uncompressedSize;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw broken(`bytes ${offset} to ${offset + length} were asked of ${this.name}, which has ${this.size}`);
    }
    if (this.#entry.compressionMethod === STORED) {
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
    const { bytes, signature, nameLength, extraLength } = LOCAL_HEADER;
    await this.#pour(() => {});
    const header = new DataView((await this.#source.read(this.#entry.offset, bytes)).buffer);
    if (header.getUint32(0, true) !== signature)
      throw broken(`${this.name} has no header at byte ${this.#entry.offset}`);
    const begin = bytes + header.getUint16(nameLength, true) + header.getUint16(extraLength, true);
    return this.#entry.offset + begin;
  }

  async #inflate(): Promise<Uint8Array<ArrayBuffer>> {
    const inflated = new Uint8Array(this.size);
    let filled = 0;
    await this.#pour((chunk) => {
      inflated.set(chunk, filled);
      filled += chunk.length;
    });
    return inflated;
  }

  /** All bytes of the member, in turn; never more than the directory states. */
  async #pour(take: (chunk: Uint8Array) => void): Promise<void> {
    let total = 0;
    const writable = new WritableStream<Uint8Array>({
      write: (chunk) => {
        total += chunk.length;
        if (total > this.size) throw broken(`${this.name} has more than the ${this.size} bytes the directory states`);
        take(chunk);
      },
    });
    try {
      await this.#entry.getData(writable, OPTIONS);
    } catch (cause) {
      throw wrap(cause, `${this.name} cannot be read`);
    }
    if (total !== this.size) throw broken(`${this.name} has ${total} bytes; the directory states ${this.size}`);
  }
}

class SourceReader extends Reader<Source> {
  readonly #source: Source;

  constructor(source: Source) {
    super(source);
    this.#source = source;
    this.size = source.size;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    if (index < 0 || index >= this.size) return new Uint8Array();
    return this.#source.read(index, Math.min(length, this.size - index));
  }
}

function wrap(cause: unknown, what: string): ViTError {
  if (cause instanceof ViTError) return cause;
  return broken(`${what} (${cause instanceof Error ? cause.message : String(cause)})`, cause);
}

function broken(what: string, cause?: unknown): ViTError {
  return new ViTError('bad-input', `Not a readable zip archive: ${what}. Was it downloaded completely?`, { cause });
}
