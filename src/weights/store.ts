/**
 * Where files stay between visits: the origin's private file system, or nowhere (Node, some private windows). `keep` writes
 * them.
 */
const NAME = 'vit-webgpu';

export interface Store {
  readonly folder: FileSystemDirectoryHandle;
  /** Null where there is no such file. */
  read(name: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null>;
  /** Does nothing where there is no such file, or another tab is writing it. */
  remove(name: string): Promise<void>;
  /** Every file, with its bytes. */
  list(): Promise<Map<string, number>>;
}

/** Null when nothing can be kept here: a browser that refuses (in a private window, a sandboxed frame) is as good as one that cannot. */
export async function openStore(): Promise<Store | null> {
  let folder: FileSystemDirectoryHandle;
  try {
    folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(NAME, { create: true });
  } catch {
    return null;
  }
  // Files are moved to where they are read.
  if (!('move' in FileSystemFileHandle.prototype)) return null;
  const unless = (...names: string[]) => {
    return (error: unknown) => {
      if (!names.includes((error as DOMException).name)) throw error;
      return null;
    };
  };
  const absent = unless('NotFoundError');
  return {
    folder,
    async read(name) {
      const handle = await folder.getFileHandle(name).catch(absent);
      return (await handle?.getFile())?.stream() ?? null;
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
