/**
 * Random access to the bytes of a checkpoint, so that a file larger than the memory can be converted: a reader asks for
 * the ranges it needs. The command line has one more source, for files on disk.
 */
import { ViTError } from '../error.ts';

export interface Source {
  /** In bytes. */
  readonly size: number;
  /**
   * @returns exactly these bytes, alone in a buffer of their own.
   * @throws ViTError `bad-input` when the range does not lie within the source.
   */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

export function bytesSource(bytes: Uint8Array): Source {
  return {
    size: bytes.byteLength,
    async read(offset, length) {
      checkRange(offset, length, bytes.byteLength);
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** A `File` of an `<input>`, or any other blob: nothing is read before it is asked for. */
export function blobSource(blob: Blob): Source {
  return {
    size: blob.size,
    async read(offset, length) {
      checkRange(offset, length, blob.size);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

export function checkRange(offset: number, length: number, size: number): void {
  if (offset < 0 || length < 0 || offset + length > size) {
    throw new ViTError('bad-input', `Bytes ${offset} to ${offset + length} were asked of a file of ${size} bytes.`);
  }
}
