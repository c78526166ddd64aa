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
  return {
    folder,
    async read(name) {
      const handle = await folder.getFileHandle(name).catch(unlessGone);
      return (await handle?.getFile())?.stream() ?? null;
    },
    async remove(name) {
      await folder.removeEntry(name).catch(unlessGone);
    },
    async list() {
      const files = new Map<string, number>();
      for await (const [name, handle] of folder.entries()) {
        const file = handle.kind === 'file' && (await (handle as FileSystemFileHandle).getFile().catch(unlessGone));
        if (file) files.set(name, file.size);
      }
      return files;
    },
  };
}

/** Whether a file is not there, or is another tab's at this moment. */
export function isGone(error: unknown): boolean {
  return /^(NotFound|NoModificationAllowed)Error$/.test((error as DOMException).name);
}

function unlessGone(error: unknown): null {
  if (!isGone(error)) throw error;
  return null;
}
