/**
 * A large file of a repository as a source of bytes. What a checkpoint holds is found out by requests for ranges; before a tensor
 * of it is used the file is downloaded as a whole, in order, and its hash is the one that the Hub lists.
 */
import { type Source as ByteSource, blobSource, checkRange } from '../convert/byte-source.ts';
import { ViTError } from '../error.ts';
import { LargeFileHash } from '../hub/check-file.ts';
import { downloadFile } from '../hub/download-file.ts';
import { explain } from '../hub/hub-request.ts';
import { persist } from '../hub/persist.ts';
import { readFile } from '../hub/read-file.ts';
import type { HubFile, HubRepository } from '../hub/repository.ts';
import { chunksOf } from '../weights/memory.ts';
import { openTemporary, type Temporary } from './temporary.ts';

/** A header is read in a few steps: with the first one comes what the next ones want. */
const AHEAD = 1 << 16;

export interface HubFileOptions {
  repository: HubRepository;
  /** Whether what has arrived stays for the next visit, until it is converted. */
  cache: boolean;
  signal: AbortSignal;
  warn(message: string): void;
}

export class HubFileSource implements ByteSource {
  readonly file: HubFile;
  readonly #options: HubFileOptions;
  /** What was read last, by a request. */
  #ahead = { offset: 0, bytes: new Uint8Array() };
  #temporary: Temporary | null = null;
  /** The file, once it is here. */
  #local: ByteSource | null = null;

  constructor(file: HubFile, options: HubFileOptions) {
    this.file = file;
    this.#options = options;
  }

  get size(): number {
    return this.file.size;
  }

  get heldBytes(): number {
    return this.#temporary?.heldBytes ?? 0;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#local) return this.#local.read(offset, length);
    checkRange(offset, length, this.size);
    const begin = offset - this.#ahead.offset;
    if (begin < 0 || begin + length > this.#ahead.bytes.length) {
      const end = Math.min(this.size, offset + Math.max(length, AHEAD));
      const { signal } = this.#options;
      this.#ahead = { offset, bytes: await persist(() => this.#request(offset, end), signal) };
    }
    const from = offset - this.#ahead.offset;
    return this.#ahead.bytes.slice(from, from + length);
  }

  /** @param onArrival called after every piece: bytes that are here */
  async complete(onArrival: (bytes: number) => void): Promise<void> {
    if (this.#local) return;
    const { cache, warn } = this.#options;
    let blob: Blob;
    try {
      blob = await this.#download(await openTemporary(cache ? `${this.file.hash.hex}.checkpoint` : null), onArrival);
    } catch (error) {
      if (!isFull(error)) throw error;
      warn(`There is no room on disk for ${this.file.path} (${(error as Error).message}); it is held in memory.`);
      await this.#temporary!.remove();
      blob = await this.#download(await openTemporary(null), onArrival);
    }
    this.#local = blobSource(blob);
    this.#ahead = { offset: 0, bytes: new Uint8Array() };
  }

  async release(): Promise<void> {
    await this.#temporary?.remove();
  }

  async #download(temporary: Temporary, onArrival: (bytes: number) => void): Promise<Blob> {
    this.#temporary = temporary;
    const { repository, signal } = this.#options;
    const { there } = temporary;
    let hash = new LargeFileHash();
    const begin = there.size <= this.size ? there.size : 0;
    if (begin > 0) for await (const piece of chunksOf(there.stream())) hash.update(piece);
    try {
      await downloadFile(
        repository,
        this.file,
        begin,
        async (bytes, offset) => {
          if (offset === 0) hash = new LargeFileHash();
          hash.update(bytes);
          temporary.write(bytes, offset);
          onArrival(offset + bytes.length);
        },
        signal,
      );
    } catch (error) {
      // What has arrived is there the next time.
      await temporary.leave();
      throw error;
    }
    const blob = await temporary.finish();
    try {
      hash.check(repository, this.file);
    } catch (error) {
      await temporary.remove();
      throw error;
    }
    return blob.slice(0, this.size);
  }

  /** @returns exactly these bytes, also of a server that sends no parts */
  async #request(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const { repository, signal } = this.#options;
    const part = await readFile(repository, this.file, begin, end, signal);
    const bytes = new Uint8Array(end - begin);
    let at = part.begin - begin;
    try {
      for await (const piece of chunksOf(part.bytes)) {
        const wanted = piece.subarray(Math.max(0, -at), end - begin - at);
        bytes.set(wanted, Math.max(0, at));
        at += piece.length;
        if (at >= bytes.length) return bytes;
      }
    } catch (cause) {
      signal.throwIfAborted();
      throw explain(cause, repository.options);
    }
    throw explain(new Error('the connection ended early'), repository.options);
  }
}

/** Of the browser's errors that one which is about room. */
function isFull(error: unknown): boolean {
  return !(error instanceof ViTError) && (error as Error).name === 'QuotaExceededError';
}
