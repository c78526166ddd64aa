/**
 * SHA-256, on pages without https, too, which browsers give no `crypto.subtle`; and of what is larger than the memory.
 *
 * A WebAssembly module of our own, eight rounds unrolled, made 140 MB/s where this library makes 89, on one busy core: not worth
 * another piece of cryptography.
 */
import { sha256 as hasher } from '@noble/hashes/sha2.js';
import { hexadecimal, sha256 as native, type Sha256 } from '../weights/verify.ts';

export const sha256: Sha256 = async (bytes) => (globalThis.crypto?.subtle ? native(bytes) : hexadecimal(hasher(bytes)));

/**
 * Of a checkpoint: of its file or, of several, of their list as `sha256sum` prints it: the index first, then the parts in
 * the order of the index.
 * @param files name and hash of each
 */
export async function sha256OfFiles(files: readonly (readonly [name: string, sha256: string])[]): Promise<string> {
  if (files.length === 1) return files[0][1];
  return sha256(new TextEncoder().encode(files.map(([name, hash]) => `${hash}  ${name}\n`).join('')));
}

/** @returns lower-case hexadecimal, of bytes that come one piece after another */
export async function sha256Of(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = hasher.create();
  for await (const piece of pieces) hash.update(piece);
  return hexadecimal(hash.digest());
}
