/**
 * Where the files of a checkpoint are: in a repository of the Hub, or dropped on a page. Types alone.
 */
import type { Source as ByteSource } from '../convert/byte-source.ts';
import type { Source } from '../weights/manifest.ts';

export interface CheckpointPlace {
  readonly paths: readonly string[];
  /** The file that holds the checkpoint, or its index. */
  readonly checkpoint: string;
  /** The name of its model, unless another is given. */
  readonly name: string;
  /** What is known of where it comes from. */
  readonly source: Source;
  /** Bytes that stay in memory. */
  readonly heldBytes: number;
  /** A small file, whole. @throws ViTError `network`, `bad-input` */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Random access to a file of the checkpoint. Before `complete` that may be a request, of bytes that nobody has verified. */
  open(path: string): Promise<ByteSource>;
  /** Of a file of the checkpoint: lower-case hexadecimal. */
  sha256(path: string): Promise<string>;
  /**
   * Everything that was opened is here from now on, whole and verified.
   * @param onProgress called while something arrives: bytes that did, and bytes in all. Never called where all was here.
   * @throws ViTError `network`
   */
  complete(onProgress: (done: number, total: number) => void): Promise<void>;
  /** What was only here for the conversion is needed no more. */
  release(): Promise<void>;
}
