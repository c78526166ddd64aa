/**
 * Paths and `file:` addresses, where a browser has addresses alone.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ViTError } from '../error.ts';

/** Of a scheme: a single letter before a colon is a drive of Windows. */
const ADDRESS = /^[a-z][a-z\d+.-]+:/i;

/** The path that an address or a path means; null for an address of another scheme than `file:`. */
export function pathOf(file: string | URL): string | null {
  const text = String(file);
  if (!ADDRESS.test(text)) return resolve(text);
  return text.startsWith('file:') ? fileURLToPath(text) : null;
}

/** @param model its manifest, or the folder of it. @throws ViTError `bad-input` where there is no such file */
export function manifestAddress(model: string | URL): string {
  const path = pathOf(model);
  if (path === null) return String(model);
  const manifest = existsSync(path) && statSync(path).isDirectory() ? join(path, 'model.json') : path;
  if (!existsSync(manifest)) throw new ViTError('bad-input', `There is no file ${manifest}.`);
  return pathToFileURL(manifest).href;
}

/** What a JSON file says; an address of another scheme is left to its reader. @throws ViTError `bad-input` */
export async function readJsonFile(file: string | URL): Promise<URL | object> {
  const path = pathOf(file);
  if (path === null) return new URL(file);
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ViTError('bad-input', `${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

/** Node's fetch reads no files: this one does. */
export function withFiles(fetchRemote: typeof fetch): typeof fetch {
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    if (!address.startsWith('file:')) return fetchRemote(input, init);
    init?.signal?.throwIfAborted();
    const url = new URL(address);
    const found = await stat(url).catch(() => null);
    if (!found?.isFile()) return new Response(null, { status: 404 });
    const body = Readable.toWeb(createReadStream(url)) as ReadableStream<Uint8Array<ArrayBuffer>>;
    return new Response(body, { headers: { 'content-length': String(found.size) } });
  };
}
