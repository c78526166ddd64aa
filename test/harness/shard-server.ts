/**
 * A server of one made-up model, for tests of downloading. What it does wrong is up to the test. Node only.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Manifest, ShardEntry } from '../../src/weights/manifest.ts';
import { sha256 } from '../../src/weights/verify.ts';
import { random } from './arrays.ts';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  file: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** How often this file was asked for before. */
  before: number;
}

export class ShardServer {
  readonly shards: Uint8Array<ArrayBuffer>[];
  readonly entries: ShardEntry[];
  /** Every request: its file and its range. */
  readonly log: string[] = [];
  /** Answers instead of the server when it returns true. */
  misbehave: (exchange: Exchange) => boolean = () => false;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  /** @param sameBytes every shard is the same memory @param piece bytes that have a hash of their own */
  static async start(count: number, bytes: number, sameBytes = false, piece = bytes): Promise<ShardServer> {
    const one = new Uint8Array(random(bytes / 4, 1).buffer);
    const shards = Array.from({ length: count }, (_, i) =>
      sameBytes ? one : new Uint8Array(random(bytes / 4, i + 1).buffer),
    );
    const entries = await Promise.all(
      shards.map(async (shard, i) => {
        const starts = Array.from({ length: Math.ceil(bytes / piece) }, (_, at) => at * piece);
        const hashes = await Promise.all(starts.map((at) => sha256(shard.subarray(at, at + piece))));
        const pieces = piece < bytes && { pieces: { bytes: piece, sha256: hashes } };
        return { file: `shard-${i}.bin`, bytes, sha256: await sha256(shard), ...pieces };
      }),
    );
    const server = new ShardServer(shards, entries);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  private constructor(shards: Uint8Array<ArrayBuffer>[], entries: ShardEntry[]) {
    this.shards = shards;
    this.entries = entries;
  }

  get manifest(): Manifest {
    return { shards: this.entries } as Manifest;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/model.json`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const file = request.url!.slice(1);
    const { range } = request.headers;
    const before = this.log.filter((entry) => entry.startsWith(file)).length;
    this.log.push(range ? `${file} ${range}` : file);
    const bytes = this.shards[this.entries.findIndex((entry) => entry.file === file)];
    if (this.misbehave({ request, response, file, bytes, before })) return;
    const from = range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
    const headers = range ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(range ? 206 : 200, headers).end(bytes.subarray(from));
  }
}
