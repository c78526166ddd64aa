/**
 * What a drop or a paste holds: files, folders, or the address of a picture.
 */
import { type Arrivals, fromFiles, fromUrl, nothing } from './arrivals.ts';

export interface Held {
  arrivals: Arrivals;
  folders: FileSystemDirectoryEntry[];
  /** As they came, photos or not. */
  files: File[];
}

/** Files first: a picture that is copied or dragged from a page often comes as a file and as its address. */
export function heldBy(transfer: DataTransfer): Held {
  const folders: FileSystemDirectoryEntry[] = [];
  const files: File[] = [];
  for (const item of transfer.items) {
    if (item.kind !== 'file') continue;
    // Folders have no type; the browser is asked what an item is, which takes a second of a thousand photos.
    const entry = item.type ? null : item.webkitGetAsEntry?.();
    if (entry?.isDirectory) folders.push(entry as FileSystemDirectoryEntry);
    else {
      const file = item.getAsFile();
      if (file) files.push(file);
    }
  }
  if (files.length + folders.length > 0) return { arrivals: fromFiles(files), folders, files };
  const url = imageAddress(transfer);
  return { arrivals: url ? fromUrl(url) : nothing(), folders, files };
}

/** Of the `<img>` that was dragged; where there is none, of the link. */
function imageAddress(transfer: DataTransfer): string | undefined {
  const source = firstSource(transfer.getData('text/html'));
  const links = transfer.getData('text/uri-list') || transfer.getData('text/plain');
  const link = links.split(/\r?\n/).find((line) => line !== '' && !line.startsWith('#'));
  return [source, link].find((url) => !!url && /^(https?:|data:image\/)\S+$/i.test(url.trim()))?.trim();
}

/** Read as text: parsed as a page, its styles would violate this page's security policy. */
function firstSource(html: string): string | undefined {
  const match = /<img\b[^>]*?\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i.exec(html);
  return (match?.[1] ?? match?.[2] ?? match?.[3])?.replaceAll('&amp;', '&');
}
