/**
 * Photos of whole folders: dropped ones through their directory entries, chosen ones as the browser lists them.
 */
import { mayBePhoto } from './arrivals.ts';

/** Photos that are handed on together, so that the first are looked at while the rest is still being found. */
const PART = 100;

/** Every photo below `folder`, in the order of names. */
export async function* photosIn(folder: FileSystemDirectoryEntry): AsyncGenerator<File[]> {
  let part: File[] = [];
  for await (const file of filesIn(folder)) {
    if (mayBePhoto(file)) part.push(file);
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** What lies in `folder` itself. */
export async function filesBeside(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const entries = (await entriesOf(folder)).filter(({ isFile }) => isFile) as FileSystemFileEntry[];
  return (await Promise.all(entries.map(fileOf))).filter((file) => file !== null);
}

async function* filesIn(folder: FileSystemDirectoryEntry): AsyncGenerator<File> {
  const entries = await entriesOf(folder);
  entries.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  for (const entry of entries) {
    if (entry.isDirectory) yield* filesIn(entry as FileSystemDirectoryEntry);
    else {
      const file = await fileOf(entry as FileSystemFileEntry);
      if (file) yield file;
    }
  }
}

/** A reader gives a hundred or so at a time, until it gives none. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return entries;
    entries.push(...some);
  }
}

/** Null where it may not be read. */
function fileOf(entry: FileSystemFileEntry): Promise<File | null> {
  return new Promise((resolve) => entry.file(resolve, () => resolve(null)));
}
