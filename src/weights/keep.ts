/**
 * Writes a file into a store. It appears whole or not at all, also when two tabs write it at once: then the first of them does.
 */
import { isGone, type Store } from './store.ts';

/** Ending of files that are being written. What a tab leaves that is closed then, the next one to write it writes over. */
export const PART = '.part';

/** Bytes written at a time: Chrome copies them, and its memory for 1 MiB or more is new each time, which takes longer than to write. */
const PIECE = 1 << 19;

/** Files of a worker can be written at once; as a stream, which is all that a page has, that takes six times the CPU's time. */
interface PartHandle extends FileSystemFileHandle {
  createSyncAccessHandle?(): Promise<{ truncate(size: number): void; write(bytes: Uint8Array): number; close(): void }>;
  move(name: string): Promise<void>;
}

/** @throws DOMException `QuotaExceededError`; whatever else a disk may say */
export async function keep({ folder }: Store, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const part = name + PART;
  // One writer at a time: what another has just made to write into, still empty, could be moved to `name` instead.
  await navigator.locks.request(part, { ifAvailable: true }, async (isMine) => {
    if (!isMine) return;
    try {
      const handle = (await folder.getFileHandle(part, { create: true })) as PartHandle;
      await (handle.createSyncAccessHandle ? writeAtOnce(handle, bytes) : writeAsStream(handle, bytes));
      await handle.move(name);
    } catch (error) {
      // Removed by another tab.
      if (isGone(error)) return;
      await folder.removeEntry(part).catch(() => {});
      throw error;
    }
  });
}

async function writeAtOnce(handle: PartHandle, bytes: Uint8Array): Promise<void> {
  const access = await handle.createSyncAccessHandle!();
  try {
    access.truncate(bytes.length);
    for (let at = 0; at < bytes.length; at += PIECE) access.write(bytes.subarray(at, at + PIECE));
  } finally {
    access.close();
  }
}

/** A write that fails closes the stream. */
async function writeAsStream(handle: FileSystemFileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writable = await handle.createWritable();
  await writable.write(bytes);
  await writable.close();
}
