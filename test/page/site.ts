/**
 * The built page, served from a folder of a server that can hold a file back halfway, lose it, or change its bytes.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const ROOT = 'dist/page';
/** Not the root of the server: nothing on the page may count on that. */
const FOLDER = '/some/where/';

/** What a server says of a file, by the end of its name. */
export const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.webmanifest': 'application/manifest+json',
};

/** As strict as a policy can be for a page that shows pictures it was given. */
export const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; connect-src 'self'; manifest-src 'self'";

type Trouble = 'lost' | 'held' | ((bytes: Buffer) => Buffer);

export class Site {
  /** Once it was started; a page may still ask when it has stopped. */
  origin = '';
  /** Headers of every answer. */
  headers: Record<string, string> = { 'content-security-policy': STRICT };
  /** What the page does not bring itself, by its path. */
  readonly #added = new Map<string, Uint8Array>();
  /** By a part of a file's path. */
  readonly #troubles = new Map<string, Trouble>();
  #release: (() => void)[] = [];
  readonly #server: Server = createServer(({ url }, response) => this.#answer(url!, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, 'localhost', resolve));
    this.origin = `http://localhost:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get url(): string {
    return this.origin + FOLDER;
  }

  /** A file that the page does not bring itself. @param path within the page's folder */
  add(path: string, bytes: Uint8Array): void {
    this.#added.set(path, bytes);
  }

  /** The connection breaks whenever a file with this in its path is asked for. */
  lose(part: string): void {
    this.#troubles.set(part, 'lost');
  }

  change(part: string, change: (bytes: Buffer) => Buffer): void {
    this.#troubles.set(part, change);
  }

  /** Such files come halfway, until `heal`. */
  hold(part: string): void {
    this.#troubles.set(part, 'held');
  }

  /** Everything is well again, and what was held back goes out. */
  heal(): void {
    this.#troubles.clear();
    for (const release of this.#release.splice(0)) release();
  }

  #answer(url: string, response: ServerResponse): void {
    const path = normalize(decodeURIComponent(new URL(url, this.origin).pathname));
    const file = path === FOLDER ? 'index.html' : path.startsWith(FOLDER) ? path.slice(FOLDER.length) : null;
    const added = this.#added.get(file ?? '');
    const body = file === null ? null : added ? Buffer.from(added) : read(join(ROOT, file));
    if (!body) return void response.writeHead(404).end();
    const trouble = [...this.#troubles].find(([part]) => file!.includes(part))?.[1];
    if (trouble === 'lost') return void response.destroy();
    const type = TYPES[extname(file!)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', ...this.headers });
    if (trouble === 'held') {
      const half = body.length >> 1;
      response.write(body.subarray(0, half));
      this.#release.push(() => response.end(body.subarray(half)));
    } else response.end(trouble ? trouble(body) : body);
  }
}

function read(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}
