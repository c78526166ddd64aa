/**
 * Room for a download of any size until it is converted: a file in the origin's private file system, which the next visit goes on with
 * however this one ends; where there is none, as in a page's own thread, or nothing is to be kept, blobs.
 */
export interface Temporary {
  /** What is there already. */
  readonly there: Blob;
  /** Bytes that stay in memory. */
  readonly heldBytes: number;
  /** @throws DOMException `QuotaExceededError` */
  write(bytes: Uint8Array<ArrayBuffer>, offset: number): void;
  /** @returns everything that was written */
  finish(): Promise<Blob>;
  /** Leaves it as it is: for the next visit. */
  leave(): Promise<void>;
  /** Gives it up, unless another tab needs it. */
  remove(): Promise<void>;
}

/** The folder of everything that the library keeps: `clearCache()` takes what is in it. */
const FOLDER = 'vit-webgpu';
/** Bytes of each blob: many small ones cost more than what they hold. */
const BATCH = 1 << 20;

/** Files of a worker can be written at once: nothing is lost when its tab ends. */
interface FileOfWorker extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<{ write(bytes: Uint8Array, place: { at: number }): number; close(): void }>;
}

/** @param name of the file; null where nothing is to be kept */
export async function openTemporary(name: string | null): Promise<Temporary> {
  return (name === null ? null : await openFile(name).catch(() => null)) ?? inMemory();
}

/** @throws DOMException where another tab writes it */
async function openFile(name: string): Promise<Temporary | null> {
  const root = await globalThis.navigator?.storage?.getDirectory?.();
  if (!root || !('createSyncAccessHandle' in FileSystemFileHandle.prototype)) return null;
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const handle = (await folder.getFileHandle(name, { create: true })) as FileOfWorker;
  const there = await handle.getFile();
  const access = await handle.createSyncAccessHandle();
  const letGo = await hold(name);
  return {
    there,
    heldBytes: 0,
    write(bytes, at) {
      if (access.write(bytes, { at }) < bytes.length) throw new DOMException('it is full', 'QuotaExceededError');
    },
    finish() {
      access.close();
      return handle.getFile();
    },
    async leave() {
      access.close();
      await letGo();
    },
    async remove() {
      access.close();
      await letGo();
      await unlessHeld(name, () => folder.removeEntry(name)).catch(() => {});
    },
  };
}

/** Browsers may put blobs on disk, and Node does not. */
function inMemory(): Temporary {
  let parts: Blob[] = [];
  const batch = new Uint8Array(BATCH);
  let filled = 0;
  const flush = () => {
    parts.push(new Blob([batch.subarray(0, filled)]));
    filled = 0;
  };
  const drop = async () => {
    parts = [];
  };
  return {
    there: new Blob(),
    get heldBytes() {
      return parts.reduce((sum, { size }) => sum + size, 0);
    },
    write(bytes, offset) {
      if (offset === 0) {
        parts = [];
        filled = 0;
      }
      for (let done = 0; done < bytes.length; ) {
        const part = bytes.subarray(done, done + BATCH - filled);
        batch.set(part, filled);
        filled += part.length;
        done += part.length;
        if (filled === BATCH) flush();
      }
    },
    async finish() {
      flush();
      return new Blob(parts);
    },
    leave: drop,
    remove: drop,
  };
}

/** Shows other tabs that a file is needed. @returns ends it */
function hold(name: string): Promise<() => Promise<void>> {
  return new Promise((resolve) => {
    let letGo = () => {};
    const untilThen = () =>
      new Promise<void>((release) => {
        letGo = release;
        resolve(end);
      });
    const held = navigator.locks?.request(`${FOLDER}/${name}`, { mode: 'shared' }, untilThen);
    const end = async () => {
      letGo();
      await held;
    };
    if (!held) resolve(end);
    else held.catch(() => resolve(async () => {}));
  });
}

async function unlessHeld(name: string, remove: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return remove();
  await navigator.locks.request(`${FOLDER}/${name}`, { ifAvailable: true }, (lock) => lock && remove());
}
