/**
 * The hashes that a manifest has of a file.
 */
import type { ShardEntry } from './manifest.ts';
import type { Sha256 } from './verify.ts';

/** Chrome copies what it hashes, and its memory for some 900 KiB or more is new each time, which takes longer than to hash. */
const PIECE = 1 << 19;

/** Of a file of one piece there are none of pieces. */
export async function hashesOf(
  bytes: Uint8Array<ArrayBuffer>,
  hash: Sha256,
): Promise<Pick<ShardEntry, 'sha256' | 'pieces'>> {
  const whole = { sha256: await hash(bytes) };
  if (bytes.length <= PIECE) return whole;
  const sha256: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) sha256.push(await hash(bytes.subarray(at, at + PIECE)));
  return { ...whole, pieces: { bytes: PIECE, sha256 } };
}
