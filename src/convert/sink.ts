/**
 * Where a converted model goes, file by file: a folder, the memory, a download.
 */
export interface Sink {
  /** Called once per file, shards in order and `model.json` last. The bytes are the sink's until it has taken them: then the next ones come in their memory. */
  write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Keeps all files. */
export class MemorySink implements Sink {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();

  async write(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.files.set(file, bytes.slice());
  }
}
