/**
 * Indexes made of random vectors, for tests of search. Node only.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BuildOptions, buildIndex, type Embedding } from '../../src/search/build.ts';
import type { IndexManifest } from '../../src/search/index-manifest.ts';
import { random } from './random.ts';

export const MODEL = { name: 'tiny', sha256: 'a'.repeat(64), manifest: 'b'.repeat(64) };

/** `item 0` and so on, of lengths that differ. */
export function randomEmbeddings(rows: number, dimension: number): Embedding[] {
  return Array.from({ length: rows }, (_, i) => ({ id: `item ${i}`, vector: random(dimension, i + 1, 1 + (i % 7)) }));
}

export type Files = Map<string, Uint8Array<ArrayBuffer>>;

export async function indexFiles(
  embeddings: Embedding[],
  options: Partial<BuildOptions> = {},
): Promise<{ files: Files; manifest: IndexManifest }> {
  const files: Files = new Map();
  const dimension = embeddings[0]?.vector.length ?? 1;
  const manifest = await buildIndex(
    embeddings,
    { model: MODEL, dimension, dtype: 'f16', ...options },
    async (file, bytes) => void files.set(file, bytes.slice()),
  );
  return { files, manifest };
}

/** The cosines, in float64. */
export function cosines(embeddings: Embedding[], query: ArrayLike<number>): number[] {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  };
  return embeddings.map(({ vector }) => dot(vector, query) / Math.sqrt(dot(vector, vector) * dot(query, query)));
}

export class IndexServer {
  /** Every request: its file and its range. */
  readonly log: string[] = [];
  /** Answers instead of the server when it returns true. */
  misbehave: (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => boolean = () => false;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #files: Files;

  private constructor(files: Files) {
    this.#files = files;
  }

  static async start(files: Files): Promise<IndexServer> {
    const server = new IndexServer(files);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** Of the folder. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const file = request.url!.slice(1);
    const { range } = request.headers;
    this.log.push(range ? `${file} ${range}` : file);
    const bytes = this.#files.get(file);
    if (!bytes) return void response.writeHead(404).end();
    if (this.misbehave(request, response, bytes)) return;
    const from = range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
    const headers = range ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(range ? 206 : 200, headers).end(bytes.subarray(from));
  }
}
