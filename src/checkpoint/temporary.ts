/**
 * Room for a download of any size until it is converted: a file in the origin's private file system, which the next visit
 * goes on with if this one ends early; where there is none, or nothing is to be kept, a blob.
 */
export interface Temporary {
  /** What is there already. */
  readonly there: Blob;
  /** Bytes that stay in memory. */
  readonly heldBytes: number;
  write(bytes: Uint8Array<ArrayBuffer>, offset: number): Promise<void>;
  /** @returns everything that was written */
  finish(): Promise<Blob>;
  /** Leaves it as it is: for the next visit. */
  leave(): Promise<void>;
  /** Gives it up, unless another tab needs it. */
  remove(): Promise<void>;
}

/** The folder of everything that the library keeps: `clearCache()` takes what is in it. */
const FOLDER = 'vit-webgpu';
/** Bytes that are written at once. */
const BATCH = 1 << 20;

/** @param name of the file; null where nothing is to be kept */
export async function openTemporary(name: string | null): Promise<Temporary> {
  return (name === null ? null : await openFile(name).catch(() => null)) ?? inMemory();
}

async function openFile(name: string): Promise<Temporary | null> {
  const root = await globalThis.navigator?.storage?.getDirectory?.();
  if (!root || !('createWritable' in FileSystemFileHandle.prototype)) return null;
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const letGo = await hold(name);
  const handle = await folder.getFileHandle(name, { create: true });
  let writable: FileSystemWritableFileStream | undefined;
  const batch = new Batch(async (bytes, position) => {
    writable ??= await handle.createWritable({ keepExistingData: true });
    await writable.write({ type: 'write', position, data: bytes });
  });
  const finish = async () => {
    await batch.flush();
    // Put in its place by this.
    await writable?.close();
    writable = undefined;
    return handle.getFile();
  };
  return {
    there: await handle.getFile(),
    heldBytes: 0,
    write: (bytes, offset) => batch.add(bytes, offset),
    finish,
    async leave() {
      await finish().catch(() => {});
      await letGo();
    },
    async remove() {
      // What is being written cannot be removed.
      await writable?.abort().catch(() => {});
      writable = undefined;
      await letGo();
      await unlessHeld(name, () => folder.removeEntry(name)).catch(() => {});
    },
  };
}

/** Small pieces to large ones. */
class Batch {
  readonly #bytes = new Uint8Array(BATCH);
  readonly #write: (bytes: Uint8Array<ArrayBuffer>, offset: number) => Promise<void>;
  #offset = 0;
  #filled = 0;

  constructor(write: (bytes: Uint8Array<ArrayBuffer>, offset: number) => Promise<void>) {
    this.#write = write;
  }

  async add(bytes: Uint8Array<ArrayBuffer>, offset: number): Promise<void> {
    if (offset !== this.#offset + this.#filled) {
      await this.flush();
      this.#offset = offset;
    }
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + BATCH - this.#filled);
      this.#bytes.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === BATCH) await this.flush();
    }
  }

  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#write(this.#bytes.subarray(0, this.#filled), this.#offset);
    this.#offset += this.#filled;
    this.#filled = 0;
  }
}

/** Browsers may put blobs on disk, and Node does not. */
function inMemory(): Temporary {
  let parts: Blob[] = [];
  const batch = new Batch(async (bytes, offset) => {
    if (offset === 0) parts = [];
    parts.push(new Blob([bytes]));
  });
  return {
    there: new Blob(),
    get heldBytes() {
      return parts.reduce((sum, { size }) => sum + size, 0);
    },
    write: (bytes, offset) => batch.add(bytes, offset),
    async finish() {
      await batch.flush();
      return new Blob(parts);
    },
    async leave() {
      parts = [];
    },
    async remove() {
      parts = [];
    },
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
