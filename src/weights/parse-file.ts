/**
 * A file that lies beside the manifest which names it.
 */
import type { Field } from './field.ts';
import type { ShardEntry } from './manifest.ts';

/** What is held in memory at once must be within what a browser gives. */
const MAX_FILE_BYTES = 2 ** 30;

/** @throws ViTError for a name that leaves the manifest's folder, a size that cannot be, or what is no hash */
export function parseFile(field: Field): ShardEntry {
  const file = field.get('file').string();
  const base = 'https://model.invalid/folder/';
  const url = URL.canParse(file, base) ? new URL(file, base).href : '';
  if (!url.startsWith(base) || file.includes('..') || file.startsWith('/')) {
    field.get('file').fail(`is "${file}"; it must be a relative path below the manifest's folder`);
  }
  const sha256 = parseHash(field.get('sha256'));
  const bytes = field.get('bytes').integer(1, MAX_FILE_BYTES);
  return { file, bytes, sha256, ...(field.has('pieces') && { pieces: parsePieces(field.get('pieces'), bytes) }) };
}

function parsePieces(field: Field, total: number): ShardEntry['pieces'] {
  const bytes = field.get('bytes').integer(1);
  return { bytes, sha256: field.get('sha256').list(parseHash, Math.ceil(total / bytes)) };
}

/** @throws ViTError for anything but a SHA-256 as manifests have it */
export function parseHash(field: Field): string {
  const hash = field.string();
  if (!/^[0-9a-f]{64}$/.test(hash)) field.fail('is not a SHA-256 in lower-case hexadecimal');
  return hash;
}
