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
  if (bytes.length !== shard.bytes) {
    throw new ViTError(
      'bad-shard',
      `${shard.file} has ${bytes.length} bytes instead of ${shard.bytes}. It is cut short or of another model; fetch or convert it again.`,
    );
  }
  if (hash && (await hash(bytes)) !== shard.sha256) {
    throw new ViTError('bad-shard', `${shard.file} was altered: its SHA-256 is not the manifest's. Fetch it again.`);
  }
  return bytes;
}

/** Of secure pages, and of Node. */
export const sha256: Sha256 = async (bytes) =>
  hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

export function hexadecimal(digest: Uint8Array): string {
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
