/**
 * The files of an index: at an address, or in a folder of this machine in Node.
 */
import { sha256 as sha256InScript } from '@noble/hashes/sha2.js';
import { readLocalFile } from '../annexes/local-file.ts';
import { ViTError } from '../error.ts';
import { fetchShards } from '../weights/fetch-model.ts';
import type { ShardEntry } from '../weights/manifest.ts';
import { request } from '../weights/request.ts';
import { ShardAddresses } from '../weights/shard-addresses.ts';
import { hexadecimal, type Sha256, sha256, verify } from '../weights/verify.ts';
import type { IndexManifest } from './index-manifest.ts';
import { parseIndexManifest } from './parse-index-manifest.ts';

export interface IndexFiles {
  manifest: IndexManifest;
  /**
   * Files in order, of the manifest's size and hash; each is valid until the next one is asked for. A transfer that breaks off goes
   * on by a range request where it was.
   * @param onBytes called with the number of bytes that have arrived since the last call
   * @throws ViTError `network`, `bad-shard`, `aborted`
   */
  read(
    files: ShardEntry[],
    onBytes: (count: number) => void,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/**
 * @param address absolute, of an `index.json`
 * @throws ViTError `network`, `bad-manifest`, `aborted`
 */
export async function openFiles(address: string, signal: AbortSignal): Promise<IndexFiles> {
  return address.startsWith('file:') ? openFolder(new URL(address)) : openAddress(address, signal);
}

async function openAddress(address: string, signal: AbortSignal): Promise<IndexFiles> {
  const what = 'the index';
  // An outdated manifest from an HTTP cache would not match the shards.
  const [text, answered] = await request(address, { what, signal, cache: 'no-cache' }, async (response) => [
    await response.text(),
    response.url || address,
  ]);
  const addresses = new ShardAddresses(address, answered);
  return {
    manifest: parseIndexManifest(parseJson(text, address), address),
    read(files, onBytes, signal) {
      return fetchShards({ shards: files }, { addresses, cache: null, hash, onBytes, signal });
    },
  };
}

/** Pages that are not secure have no `crypto.subtle`. */
const hash: Sha256 = async (bytes) => (globalThis.crypto?.subtle ? sha256(bytes) : hexadecimal(sha256InScript(bytes)));

async function openFolder(address: URL): Promise<IndexFiles> {
  const readBeside = async (file: string) => {
    try {
      return await readLocalFile(new URL(file, address));
    } catch (cause) {
      throw new ViTError('network', `A file of the index cannot be read: ${(cause as Error).message}.`, { cause });
    }
  };
  const name = decodeURIComponent(address.pathname);
  const text = new TextDecoder().decode(await readBeside(address.href));
  return {
    manifest: parseIndexManifest(parseJson(text, name), name),
    async *read(files, onBytes, signal) {
      for (const file of files) {
        if (signal.aborted) throw new ViTError('aborted', 'Loading was aborted.', { cause: signal.reason });
        const bytes = await verify(await readBeside(file.file), file, hash);
        onBytes(bytes.length);
        yield bytes;
      }
    },
  };
}

/** @throws ViTError `bad-manifest` */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ViTError('bad-manifest', `${where} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
