/**
 * Whether bytes are those that a manifest describes.
 */
import { ViTError } from '../error.ts';
import type { ShardEntry } from './manifest.ts';

/** @throws ViTError `bad-shard`, naming the file, when size or SHA-256 are not the manifest's */
export async function verify(bytes: Uint8Array<ArrayBuffer>, shard: ShardEntry): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes.length !== shard.bytes) {
    throw new ViTError(
      'bad-shard',
      `${shard.file} has ${bytes.length} bytes instead of ${shard.bytes}. It is cut short or of another model; fetch or convert it again.`,
    );
  }
  if ((await sha256(bytes)) !== shard.sha256) {
    throw new ViTError('bad-shard', `${shard.file} was altered: its SHA-256 is not the manifest's. Fetch it again.`);
  }
  return bytes;
}

/** @returns lower-case hexadecimal */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
