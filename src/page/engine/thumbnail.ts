/**
 * Small squares of photos, so that a thousand of them take the memory of one: made when a tile asks for its own, two at a time.
 */
import { findPhoto, updatePhoto } from '../state/items.ts';

const AT_ONCE = 2;

const asked = new WeakSet<Blob>();
const waiting: [id: number, file: Blob][] = [];
let atWork = 0;

/** Once for each photo, however often it is called. */
export function makeThumbnail(id: number, file: Blob): void {
  if (asked.has(file)) return;
  asked.add(file);
  waiting.push([id, file]);
  // Not while the tile is being drawn that asks for it.
  queueMicrotask(work);
}

async function work(): Promise<void> {
  if (atWork >= AT_ONCE) return;
  atWork++;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [id, file] = next;
    const square = findPhoto(id) && (await thumbnailOf(file));
    // Removed meanwhile: nobody would give the URL back.
    if (square && findPhoto(id)) updatePhoto(id, { thumbnail: URL.createObjectURL(square) });
  }
  atWork--;
}

let worker: Worker | null = null;
let nextJob = 1;
const jobs = new Map<number, (square: Blob | null) => void>();

/** Null where the browser cannot read it: its tile stays empty. */
export function thumbnailOf(file: Blob): Promise<Blob | null> {
  worker ??= open();
  const id = nextJob++;
  const done = new Promise<Blob | null>((resolve) => {
    jobs.set(id, resolve);
  });
  worker.postMessage({ id, file });
  return done;
}

function open(): Worker {
  const worker = new Worker(new URL('./thumbnail-worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data: { id, square } }: MessageEvent<{ id: number; square: Blob | null }>) => {
    jobs.get(id)?.(square);
    jobs.delete(id);
  };
  // It did not arrive.
  worker.onerror = () => {
    for (const done of jobs.values()) done(null);
    jobs.clear();
  };
  return worker;
}
