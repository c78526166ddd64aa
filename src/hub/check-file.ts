/**
 * Whether bytes are those that the Hub lists of a file.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { ViTError } from '../error.ts';
import { gitHash } from './git-hash.ts';
import type { HubFile, HubRepository } from './repository.ts';

/** The SHA-256 of a large file, of bytes that come one piece after another. */
export class LargeFileHash {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** After the last byte. @throws ViTError `network` when they are not those of the file */
  check(repository: HubRepository, file: HubFile): void {
    requireHash(repository, file, hexadecimal(this.#hash.digest()));
  }
}

/** @param bytes the whole file @throws ViTError `network` */
export function checkFile(repository: HubRepository, file: HubFile, bytes: Uint8Array): void {
  requireHash(repository, file, file.hash.algorithm === 'sha256' ? hexadecimal(sha256(bytes)) : gitHash(bytes));
}

export function requireHash({ url }: HubRepository, { path, hash }: HubFile, actual: string): void {
  if (actual === hash.hex) return;
  const message = `${path} arrived with the hash ${actual}, but ${url} lists ${hash.hex}. Fetch it again.`;
  throw new ViTError('network', message);
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
