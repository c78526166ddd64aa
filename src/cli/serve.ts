/**
 * A web server for this machine only, of files that are listed before it starts: nothing else can be asked for.
 */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.avif': 'image/avif',
  '.bmp': 'image/bmp',
};

const BLANK_PAGE = '<!doctype html><title>vit-webgpu</title>';

export interface Served {
  /** `http://127.0.0.1:port`; a blank page is at `/`. */
  origin: string;
  close(): Promise<void>;
}

/** @param files path of the URL (`/lib/index.js`) -> file on disk */
export async function serve(files: ReadonlyMap<string, string>): Promise<Served> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = files.get(pathname);
    if (pathname === '/') {
      response.setHeader('content-type', TYPES['.html']).end(BLANK_PAGE);
    } else if (!file) {
      response.writeHead(404).end();
    } else {
      response.setHeader('content-type', TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream');
      createReadStream(file)
        .on('error', () => response.writeHead(500).end())
        .pipe(response);
    }
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Every file below a folder, under a URL path: `filesBelow('/lib', 'dist/lib')`. */
export async function filesBelow(path: string, folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const [url, file] = [`${path}/${entry.name}`, join(folder, entry.name)];
    if (entry.isFile()) files.set(encodeURI(url), file);
    else if (entry.isDirectory()) for (const [below, nested] of await filesBelow(url, file)) files.set(below, nested);
  }
  return files;
}
