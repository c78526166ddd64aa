/**
 * Serves folders to one Chrome, and counts what it asks for: the bytes a page would download.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface StaticServer {
  origin: string;
  /** Bytes of all files asked for below one of these URL paths, each once, compressed as a server would. */
  gzipBytes(paths: string[]): Promise<number>;
  /** What the page sent to `/said`. */
  said: Promise<string>;
  close(): Promise<void>;
}

/** By path: the server takes as little as it can of cores that a visitor's server does not share. */
const held = new Map<string, Buffer>();

/** From now on these files are served from memory. */
export async function holdInMemory(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (!held.has(file)) held.set(file, await readFile(file));
  }
}

/**
 * @param folders URL path (`/lib`) -> folder. `/` is a blank page with the benchmark's script.
 * @param isolated from other origins: then the page has shared memory, without which WebAssembly itself has no threads
 */
export async function serveFolders(folders: Record<string, string>, isolated: boolean): Promise<StaticServer> {
  const served = new Map<string, string>();
  let say!: (what: string) => void;
  const said = new Promise<string>((resolve) => {
    say = resolve;
  });
  const server = createServer(async (request, response) => {
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
    if (path === '/') {
      const script = '<script type="module" src="/bench/page.js"></script>';
      response.setHeader('content-type', 'text/html').end(`<!doctype html><title>bench</title>${script}`);
      return;
    }
    if (path === '/said') {
      say(await text(request));
      response.end();
      return;
    }
    const prefix = Object.keys(folders).find((candidate) => path.startsWith(`${candidate}/`));
    const file = prefix && join(folders[prefix], path.slice(prefix.length));
    const bytes = file && (held.get(file) ?? (await readFile(file).catch(() => null)));
    if (!bytes) {
      response.writeHead(404).end();
      return;
    }
    served.set(path, file);
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-length', bytes.length).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    said,
    async gzipBytes(paths) {
      let bytes = 0;
      for (const [path, file] of served) {
        if (!paths.some((prefix) => path.startsWith(`${prefix}/`))) continue;
        bytes += gzipSync(await readFile(file), { level: 9 }).length;
      }
      return bytes;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
