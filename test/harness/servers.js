/**
 * Servers on this machine that apps are opened from: of folders, and of a bundler's own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** The strictest policy that the library promises to work under. */
export const POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self'";

/** @param {string[]} folders the first that has a file gives it @param {string} base where they are, such as `/sub/` */
export async function serveFolder(folders, base, strict = false) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const path = normalize(pathname.replace(/\/$/, '/index.html'));
    const body = path.startsWith(base) ? folders.map((folder) => read(join(folder, path.slice(base.length)))) : [];
    const found = body.find((bytes) => bytes !== null);
    if (!found) return response.writeHead(404).end();
    const headers = { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' };
    if (strict) headers['content-security-policy'] = POLICY;
    response.writeHead(200, headers).end(found);
  });
  const port = await listen(server, 0);
  return { origin: `http://localhost:${port}`, close: () => void server.close() };
}

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

async function listen(server, port) {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

export async function freePort() {
  const server = createServer();
  const port = await listen(server, 0);
  server.close();
  return port;
}

/** A command that serves on $PORT, in a process group of its own. Ready when it answers. */
export async function startServer(cwd, line, env, port, print, limit = 60_000) {
  const child = spawn('sh', ['-c', `exec ${line}`], {
    cwd,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', print);
  const close = async () => {
    if (child.exitCode === null) process.kill(-child.pid);
  };
  const origin = `http://127.0.0.1:${port}`;
  for (const start = Date.now(); Date.now() - start < limit; ) {
    if (child.exitCode !== null) throw new Error(`"${line}" ended with ${child.exitCode}.`);
    if (await fetch(origin).catch(() => null)) return { origin, close };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await close();
  throw new Error(`"${line}" does not answer on port ${port}.`);
}
