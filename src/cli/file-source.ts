/**
 * A file on disk as a `Source` of the converter.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { checkRange, type Source } from '../convert/byte-source.ts';
import { ViTError } from '../error.ts';

export class FileSource implements Source {
  readonly size: number;
  readonly #file: FileHandle;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  static async open(path: string): Promise<FileSource> {
    const file = await open(path);
    return new FileSource(file, (await file.stat()).size);
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(offset, length, this.size);
    const bytes = new Uint8Array(length);
    let filled = 0;
    // One call reads 2 GiB at most, and may read less.
    while (filled < length) {
      const { bytesRead } = await this.#file.read(bytes, filled, Math.min(length - filled, 2 ** 30), offset + filled);
      if (bytesRead === 0) throw new ViTError('bad-input', 'The file became shorter while it was read.');
      filled += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** @returns lower-case hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
