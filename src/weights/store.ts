/**
 * Where files stay between visits: the origin's private file system, else Cache Storage, else nowhere (Node, some
 * private windows). A file appears whole or not at all, also when two tabs write it at once.
 */
const NAME = 'vit-webgpu';

export interface Store {
  /** Null where there is no such file. */
  read(name: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null>;
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Does nothing where there is no such file, or another tab is writing it. */
  remove(name: string): Promise<void>;
  /** Every file, with its bytes. */
  list(): Promise<Map<string, number>>;
}

/** Null when nothing can be kept here. */
export async function openStore(): Promise<Store | null> {
  for (const open of [openFileStore, openCacheStore]) {
    // A store that refuses (in a private window, a sandboxed frame) is as good as none.
    const store = await open().catch(() => null);
    if (store) return store;
  }
  return null;
}

async function openFileStore(): Promise<Store | null> {
  const root = await globalThis.navigator?.storage?.getDirectory?.();
  if (!root || !('createWritable' in FileSystemFileHandle.prototype)) return null;
  const folder = await root.getDirectoryHandle(NAME, { create: true });
  const unless = (...names: string[]) => {
    return (error: unknown) => {
      if (!names.includes((error as DOMException).name)) throw error;
      return null;
    };
  };
  const absent = unless('NotFoundError');
  return {
    async read(name) {
      const handle = await folder.getFileHandle(name).catch(absent);
      const file = await handle?.getFile();
      // An empty file is being written by another tab.
      return file && file.size > 0 ? file.stream() : null;
    },
    async write(name, bytes) {
      const handle = await folder.getFileHandle(name, { create: true });
      // Written beside the file, and put in its place by close().
      const writable = await handle.createWritable();
      try {
        await writable.write(bytes);
        await writable.close();
      } catch (error) {
        await writable.abort().catch(() => {});
        // An empty file came with the handle.
        if ((await handle.getFile().catch(() => null))?.size === 0) await folder.removeEntry(name).catch(() => {});
        throw error;
      }
    },
    async remove(name) {
      await folder.removeEntry(name).catch(unless('NotFoundError', 'NoModificationAllowedError'));
    },
    async list() {
      const files = new Map<string, number>();
      for await (const [name, handle] of folder.entries()) {
        const file = handle.kind === 'file' && (await (handle as FileSystemFileHandle).getFile().catch(absent));
        if (file) files.set(name, file.size);
      }
      return files;
    },
  };
}

async function openCacheStore(): Promise<Store | null> {
  if (!globalThis.caches) return null;
  const cache = await caches.open(NAME);
  // Keys must be URLs. This one is never requested.
  const url = (name: string) => `https://${NAME}.invalid/${name}`;
  return {
    async read(name) {
      return (await cache.match(url(name)))?.body ?? null;
    },
    write: (name, bytes) => cache.put(url(name), new Response(bytes, { headers: { size: String(bytes.length) } })),
    async remove(name) {
      await cache.delete(url(name));
    },
    async list() {
      const files = new Map<string, number>();
      for (const request of await cache.keys()) {
        const size = (await cache.match(request))?.headers.get('size');
        files.set(request.url.slice(url('').length), Number(size));
      }
      return files;
    },
  };
}
