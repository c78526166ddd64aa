/**
 * The built library, its model and the test photos on one origin; a blank page is at `/`.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { Architecture } from '../../src/model/architecture.ts';
import { tinyModel } from '../harness/tiny-model.ts';

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.json': 'application/json', '.png': 'image/png' };

export interface BuiltServer {
  origin: string;
  /** Paths that were asked for. */
  log: string[];
  /** What lies at some paths besides. */
  extra: Map<string, Uint8Array>;
  /** Sent with everything. */
  headers: Record<string, string>;
  /** For which paths the line is dead. */
  refuse: (path: string) => boolean;
  close(): void;
}

export async function serveBuilt(): Promise<BuiltServer> {
  const server = createServer(({ url }, response) => {
    const path = normalize(new URL(url!, 'http://localhost').pathname);
    built.log.push(path);
    if (built.refuse(path)) {
      response.destroy();
      return;
    }
    for (const [name, value] of Object.entries(built.headers)) response.setHeader(name, value);
    if (path === '/') {
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>test</title><link rel="icon" href="data:,">');
      return;
    }
    try {
      const file = built.extra.get(path) ?? readFileSync(join(path.startsWith('/lib/') ? 'dist' : '.', path));
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const built: BuiltServer = {
    origin: `http://localhost:${(server.address() as AddressInfo).port}/`,
    log: [],
    extra: new Map(),
    headers: {},
    refuse: () => false,
    close: () => server.close(),
  };
  return built;
}

/** A model of random numbers, which answers in milliseconds, at `/tiny/model.json`. */
export async function serveTinyModel({ extra }: BuiltServer, architecture?: Architecture): Promise<void> {
  const { manifest, shards } = await tinyModel(architecture);
  extra.set('/tiny/model.json', new TextEncoder().encode(JSON.stringify(manifest)));
  for (const [i, { file }] of manifest.shards.entries()) extra.set(`/tiny/${file}`, shards[i]);
}
