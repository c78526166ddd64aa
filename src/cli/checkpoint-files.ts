/**
 * A checkpoint on disk: the file that is meant by a path, and those beside it when it is in several files.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Checkpoint } from '../convert/checkpoint.ts';
import { CHECKPOINT_NAMES } from '../convert/choose-files.ts';
import { openCheckpoint } from '../convert/open-checkpoint.ts';
import { sha256OfFiles } from '../convert/sha256.ts';
import { ViTError } from '../error.ts';
import { fileIn, requireFile } from './command-files.ts';
import { FileSource, sha256OfFile } from './file-source.ts';

/** The file that is meant. @throws ViTError `bad-input` when there is none. */
export function findCheckpoint(path: string): string {
  const file = fileIn(path, ...CHECKPOINT_NAMES);
  requireFile(file);
  return file;
}

export class CheckpointFiles {
  readonly checkpoint: Checkpoint;
  /** The file that was named, then those beside it. */
  readonly #paths: string[];
  readonly #sources: FileSource[];

  private constructor(checkpoint: Checkpoint, paths: string[], sources: FileSource[]) {
    this.checkpoint = checkpoint;
    this.#paths = paths;
    this.#sources = sources;
  }

  static async open(path: string): Promise<CheckpointFiles> {
    const paths: string[] = [];
    const sources: FileSource[] = [];
    const open = async (file: string) => {
      const source = await FileSource.open(file);
      paths.push(file);
      sources.push(source);
      return source;
    };
    const beside = async (name: string) => {
      const file = join(dirname(path), name);
      if (!existsSync(file)) throw new ViTError('bad-input', `there is no file ${file}.`);
      return open(file);
    };
    try {
      return new CheckpointFiles(await openCheckpoint(await open(path), beside), paths, sources);
    } catch (error) {
      await Promise.all(sources.map((source) => source.close()));
      throw error;
    }
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#sources.reduce((sum, { size }) => sum + size, 0);
  }

  /** Of `sha256OfFiles`. */
  async sha256(): Promise<string> {
    const hashes: [string, string][] = [];
    for (const path of this.#paths) hashes.push([basename(path), await sha256OfFile(path)]);
    return sha256OfFiles(hashes);
  }

  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
  }
}
