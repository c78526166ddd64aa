/**
 * What comes to the page, whichever way: a photo as a file, a photo at an address, a video, or a file that can be seen to be none of
 * these without being opened. Nobody asks for the size of a file here: of a thousand files that takes a second.
 */
import type { Refused } from '../state/items.ts';

export interface Arrivals {
  photos: { name: string; file: Blob | null; url: string | null }[];
  videos: File[];
  refused: Refused[];
}

export function nothing(): Arrivals {
  return { photos: [], videos: [], refused: [] };
}

export function fromFiles(files: Iterable<File>): Arrivals {
  const arrivals = nothing();
  for (const file of files) addFile(arrivals, file);
  return arrivals;
}

function addFile({ photos, videos, refused }: Arrivals, file: File): void {
  const { name, type } = file;
  if (type.startsWith('video/')) videos.push(file);
  else if (type !== '' && !type.startsWith('image/'))
    refused.push({ name, problem: ({ problems }) => problems.notAnImage(name) });
  else if (type === 'image/svg+xml') refused.push({ name, problem: ({ problems }) => problems.drawing(name) });
  else photos.push({ name, file, url: null });
}

export function fromUrl(url: string): Arrivals {
  return { ...nothing(), photos: [{ name: nameOf(url), file: null, url }] };
}

function nameOf(url: string): string {
  const { protocol, pathname, hostname } = new URL(url, document.baseURI);
  if (protocol === 'data:') return 'photo';
  const last = pathname.split('/').pop()!;
  try {
    return decodeURIComponent(last) || hostname;
  } catch {
    return last;
  }
}

/** Whether a file within a folder may be a photo. What lies there besides is nobody's mistake. */
export function mayBePhoto({ name, type }: File): boolean {
  if (name.startsWith('.') || type === 'image/svg+xml') return false;
  return type === '' ? /\.(hei[cf]|tiff?|avif|jxl)$/i.test(name) : type.startsWith('image/');
}
