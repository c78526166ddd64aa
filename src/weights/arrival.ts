/**
 * A file that is arriving: each piece of it is checked as soon as it is there, when the processor has just had it.
 */
import type { ShardEntry } from './manifest.ts';
import { chunksOf } from './memory.ts';
import type { Position } from './request.ts';
import { requireSize, type Sha256, verifyPieces } from './verify.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export class Arrival {
  /** What is in front of it has been checked, but for the piece that it lies in. */
  readonly position: Position = { bytes: 0 };
  readonly #file: ShardEntry;
  readonly #target: Bytes;
  readonly #hash: Sha256 | null | undefined;

  /** @param target at least as large as the file: `Content-Length` is of the compressed form */
  constructor(file: ShardEntry, target: Bytes, hash?: Sha256 | null) {
    this.#file = file;
    this.#target = target;
    this.#hash = hash;
  }

  /**
   * Goes on at the position, and moves it.
   * @throws ViTError `bad-shard` where there is more than the manifest says, or something else
   */
  async read(body: ReadableStream<Bytes>, onPosition?: (bytes: number) => void): Promise<void> {
    const { position } = this;
    for await (const chunk of chunksOf(body)) {
      const end = position.bytes + chunk.length;
      if (end > this.#file.bytes) requireSize(end, this.#file);
      this.#target.set(chunk, position.bytes);
      await verifyPieces(this.#target.subarray(0, end), this.#file, this.#hash, position.bytes);
      position.bytes = end;
      onPosition?.(end);
    }
  }

  /** All of it. @throws ViTError `bad-shard` where there is less than the manifest says */
  whole(): Bytes {
    requireSize(this.position.bytes, this.#file);
    return this.#target.subarray(0, this.#file.bytes);
  }
}
