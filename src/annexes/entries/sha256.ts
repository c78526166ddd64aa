import { sha256 } from '@noble/hashes/sha2.js';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** What `crypto.subtle` has, for pages that are not secure: it is not given to them. */
    sha256: { sha256(bytes: Uint8Array): Uint8Array };
  }
}

register('sha256', { sha256 });
