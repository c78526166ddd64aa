/**
 * A repository of the Hub at one commit as the place of a checkpoint.
 */

import { type Source as ByteSource, bytesSource } from '../convert/byte-source.ts';
import { chooseCheckpoint } from '../convert/choose-files.ts';
import { sha256 } from '../convert/sha256.ts';
import { ViTError } from '../error.ts';
import { checkFile } from '../hub/check-file.ts';
import { downloadFile } from '../hub/download-file.ts';
import type { HubFile } from '../hub/repository.ts';
import type { Source } from '../weights/manifest.ts';
import { type HubFileOptions, HubFileSource } from './hub-file.ts';
import type { CheckpointPlace } from './place.ts';

export class HubPlace implements CheckpointPlace {
  readonly checkpoint: string;
  readonly #options: HubFileOptions;
  readonly #small = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  readonly #large = new Map<string, HubFileSource>();

  /**
   * @param given the checkpoint's path, where there are several
   * @throws ViTError `bad-input` where it is not clear which file is meant
   */
  constructor(options: HubFileOptions, given: string | undefined) {
    this.#options = options;
    const choosing = { place: 'The repository', option: 'convert.file' };
    this.checkpoint = chooseCheckpoint(options.repository.files.keys(), given, choosing);
  }

  get paths(): string[] {
    return [...this.#options.repository.files.keys()];
  }

  get name(): string {
    return this.#options.repository.options.repo.split('/').at(-1)!;
  }

  get source(): Source {
    const { url, commit, license } = this.#options.repository;
    return { repository: url, revision: commit, license };
  }

  get heldBytes(): number {
    return [...this.#large.values()].reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const reading = this.#small.get(path) ?? this.#read(this.#file(path));
    this.#small.set(path, reading);
    return reading;
  }

  /** Small files have no SHA-256 at the Hub: they are here at once. */
  async open(path: string): Promise<ByteSource> {
    const file = this.#file(path);
    if (file.hash.algorithm !== 'sha256') return bytesSource(await this.read(path));
    const source = this.#large.get(path) ?? new HubFileSource(file, this.#options);
    this.#large.set(path, source);
    return source;
  }

  async sha256(path: string): Promise<string> {
    const { hash } = this.#file(path);
    return hash.algorithm === 'sha256' ? hash.hex : sha256(await this.read(path));
  }

  async complete(onProgress: (done: number, total: number) => void): Promise<void> {
    const files = [...this.#large.values()];
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let before = 0;
    for (const file of files) {
      await file.complete((bytes) => onProgress(before + bytes, total));
      before += file.size;
    }
  }

  async release(): Promise<void> {
    for (const file of this.#large.values()) await file.release();
  }

  #file(path: string): HubFile {
    const { files, url } = this.#options.repository;
    const file = files.get(path);
    if (!file) throw new ViTError('bad-input', `${url} has no file ${path}.`);
    return file;
  }

  async #read(file: HubFile): Promise<Uint8Array<ArrayBuffer>> {
    const { repository, signal } = this.#options;
    const bytes = new Uint8Array(file.size);
    const take = async (piece: Uint8Array, offset: number) => bytes.set(piece, offset);
    await downloadFile(repository, file, 0, take, signal);
    checkFile(repository, file, bytes);
    return bytes;
  }
}
