/**
 * How photos arrive: dropped anywhere, pasted, picked or chosen among the samples. Everything becomes an `Arrival`.
 */
import { emptyFile, isFolder, notAnImage, type Problem } from './sentences.ts';

export type Arrival =
  | { kind: 'file'; name: string; file: Blob }
  /** A picture that lies at an address, and is yet to be fetched. */
  | { kind: 'url'; name: string; url: string }
  /** What can be told not to be a photo without opening it. */
  | { kind: 'refused'; name: string; problem: Problem };

/** Called with what arrived together; with an empty list when a drop or a paste held no photo. */
export type Receive = (arrivals: Arrival[], how: 'drop' | 'paste' | 'pick') => void;

export function onDrop(receive: Receive): void {
  const page = document.documentElement;
  const hover = (isOver: boolean) => page.toggleAttribute('data-dragging', isOver);

  addEventListener('dragover', (event) => {
    if (!holdsPhotos(event.dataTransfer)) return;
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    event.dataTransfer!.dropEffect = 'copy';
    hover(true);
  });
  addEventListener('dragleave', (event) => {
    // Null: the pointer left the window, and did not only cross from one element into another.
    if (event.relatedTarget === null) hover(false);
  });
  addEventListener('drop', (event) => {
    hover(false);
    if (!holdsPhotos(event.dataTransfer)) return;
    event.preventDefault();
    receive(fromTransfer(event.dataTransfer!), 'drop');
  });
}

export function onPaste(receive: Receive): void {
  addEventListener('paste', (event) => {
    if (event.clipboardData) receive(fromTransfer(event.clipboardData), 'paste');
  });
}

export function onPick(input: HTMLInputElement, receive: Receive): void {
  input.addEventListener('change', () => {
    receive(Array.from(input.files ?? [], fromFile), 'pick');
    // So that the same file can be picked again.
    input.value = '';
  });
}

export function onSample(samples: HTMLElement, receive: Receive): void {
  samples.addEventListener('click', (event) => {
    const photo = (event.target as Element).closest('button')?.querySelector('img');
    if (photo) receive([fromUrl(photo.src)], 'pick');
  });
}

function holdsPhotos(transfer: DataTransfer | null): boolean {
  return !!transfer && ['Files', 'text/uri-list', 'text/html'].some((type) => transfer.types.includes(type));
}

/** Files first: a picture copied or dragged from a page often comes as a file and as its address. */
function fromTransfer(transfer: DataTransfer): Arrival[] {
  const files = Array.from(transfer.items)
    .filter(({ kind }) => kind === 'file')
    .flatMap((item): Arrival[] => {
      const entry = item.webkitGetAsEntry?.();
      if (entry?.isDirectory) return [{ kind: 'refused', name: entry.name, problem: isFolder(entry.name) }];
      const file = item.getAsFile();
      return file ? [fromFile(file)] : [];
    });
  if (files.length > 0) return files;
  const url = imageAddress(transfer);
  return url ? [fromUrl(url)] : [];
}

function fromFile(file: File): Arrival {
  const { name, type, size } = file;
  if (type !== '' && !type.startsWith('image/')) return { kind: 'refused', name, problem: notAnImage(name) };
  if (size === 0) return { kind: 'refused', name, problem: emptyFile(name) };
  return { kind: 'file', name, file };
}

function fromUrl(url: string): Arrival {
  return { kind: 'url', name: nameOf(url), url };
}

/** Of the `<img>` that was dragged; where there is none, of the link. */
function imageAddress(transfer: DataTransfer): string | undefined {
  // A parsed document of its own: nothing in it is loaded or run.
  const page = new DOMParser().parseFromString(transfer.getData('text/html'), 'text/html');
  const source = page.querySelector('img')?.getAttribute('src');
  const links = transfer.getData('text/uri-list') || transfer.getData('text/plain');
  const link = links.split(/\r?\n/).find((line) => line !== '' && !line.startsWith('#'));
  return [source, link].find((url): url is string => !!url && /^(https?:|data:image\/)/i.test(url.trim()))?.trim();
}

function nameOf(url: string): string {
  const { protocol, pathname, hostname } = new URL(url);
  if (protocol === 'data:') return 'photo';
  const last = pathname.split('/').pop()!;
  try {
    return decodeURIComponent(last) || hostname;
  } catch {
    return last;
  }
}
