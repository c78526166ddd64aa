/**
 * Whether bytes are those that a manifest describes.
 */
import { ViTError } from '../error.ts';
import type { ShardEntry } from './manifest.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** @returns lower-case hexadecimal */
export type Sha256 = (bytes: Bytes) => Promise<string>;

/**
 * @param hash null where nothing here can compute one: then the size alone is checked
 * @throws ViTError `bad-shard`, naming the file, when size or SHA-256 are not the manifest's
 */
export async function verify(bytes: Bytes, shard: ShardEntry, hash: Sha256 | null = sha256): Promise<Bytes> {
  requireSize(bytes.length, shard);
  await verifyPieces(bytes, shard, hash);
  return bytes;
}

/** @param length the whole file's, or what there is of one that is too long */
export function requireSize(length: number, { file, bytes }: ShardEntry): void {
  if (length === bytes) return;
  const problem = `${file} has ${length} bytes instead of ${bytes}`;
  throw new ViTError('bad-shard', `${problem}. It is cut short or of another model; fetch or convert it again.`);
}

/**
 * @param bytes what there is of the file, from its first byte on
 * @param from of these, so many were there before: pieces that they complete are not checked again
 * @throws ViTError `bad-shard` naming the bytes whose SHA-256 is not the manifest's
 */
export async function verifyPieces(
  bytes: Bytes,
  { file, bytes: size, ...shard }: ShardEntry,
  hash: Sha256 | null = sha256,
  from = 0,
): Promise<void> {
  const { pieces = { bytes: size, sha256: [shard.sha256] } } = shard;
  for (let piece = Math.floor(from / pieces.bytes); hash && piece < pieces.sha256.length; piece++) {
    const begin = piece * pieces.bytes;
    const end = Math.min(begin + pieces.bytes, size);
    if (end > bytes.length) return;
    if ((await hash(bytes.subarray(begin, end))) === pieces.sha256[piece]) continue;
    throw new ViTError(
      'bad-shard',
      `${file} was altered: the SHA-256 of its bytes ${begin} to ${end - 1} is not the manifest's. Fetch it again.`,
    );
  }
}

/** Of secure pages, and of Node. */
export const sha256: Sha256 = async (bytes) =>
  hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

export function hexadecimal(digest: Uint8Array): string {
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
