/**
 * Files that were dropped on a page, or chosen in an `<input>`: one checkpoint, and what lies beside it.
 */

import { type Source as ByteSource, blobSource } from '../convert/byte-source.ts';
import { chooseCheckpoint } from '../convert/choose-files.ts';
import { sha256Of } from '../convert/sha256.ts';
import { ViTError } from '../error.ts';
import { chunksOf } from '../weights/memory.ts';
import type { CheckpointPlace } from './place.ts';

/** What is read beside a checkpoint, or nothing to it. */
const BESIDE = /\.(json|txt|md)$/i;

export class DroppedPlace implements CheckpointPlace {
  readonly checkpoint: string;
  readonly source = {};
  readonly heldBytes = 0;
  readonly #files: ReadonlyMap<string, Blob>;
  readonly #hashes = new Map<string, Promise<string>>();

  /**
   * @param given the name of the checkpoint, where there are several
   * @throws ViTError `bad-input` where it is not clear which file is meant
   */
  constructor(blobs: readonly (Blob & { name?: string })[], given: string | undefined) {
    this.#files = new Map(blobs.map((blob) => [blob.name ?? 'checkpoint', blob]));
    if (this.#files.size < blobs.length) throw new ViTError('bad-input', 'Two of the files have the same name.');
    const others = this.paths.filter((path) => !BESIDE.test(path));
    const only = blobs.length === 1 ? this.paths[0] : others.length === 1 ? others[0] : undefined;
    this.checkpoint =
      (given === undefined ? only : undefined) ??
      chooseCheckpoint(this.paths, given, { place: 'The list of files', option: 'convert.file' });
  }

  get paths(): string[] {
    return [...this.#files.keys()];
  }

  get name(): string {
    return this.checkpoint.replace(/(\.index)?\.\w+$/, '');
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const source = await this.open(path);
    return source.read(0, source.size);
  }

  async open(path: string): Promise<ByteSource> {
    const source = blobSource(this.#files.get(path)!);
    return { size: source.size, read: (offset, length) => source.read(offset, length).catch(unreadable(path)) };
  }

  sha256(path: string): Promise<string> {
    const hash = this.#hashes.get(path) ?? sha256Of(chunksOf(this.#files.get(path)!.stream())).catch(unreadable(path));
    this.#hashes.set(path, hash);
    return hash;
  }

  async complete(): Promise<void> {}

  async release(): Promise<void> {}
}

/** The browser's own errors: a file that is gone, or another one by now. */
function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof ViTError) throw cause;
    const { message } = cause as Error;
    throw new ViTError('bad-input', `${path} cannot be read any more (${message}). Give it again.`, { cause });
  };
}
