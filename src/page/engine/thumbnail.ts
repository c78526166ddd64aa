/**
 * Small squares of photos, so that a thousand of them take the memory of one. Decoded and scaled off this thread, two at
 * a time.
 */
import { findPhoto, updatePhoto } from '../state/items.ts';

/** Pixels of an edge: enough for a tile on a fine screen. */
const EDGE = 240;
const AT_ONCE = 2;

const waiting: [id: number, file: Blob][] = [];
let atWork = 0;

export function makeThumbnail(id: number, file: Blob): void {
  if (findPhoto(id)?.thumbnail) return;
  waiting.push([id, file]);
  work();
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

/** Null where the browser cannot read it: its tile stays empty. */
export async function thumbnailOf(file: Blob): Promise<Blob | null> {
  try {
    const image = await createImageBitmap(file, { resizeWidth: EDGE, resizeQuality: 'medium' });
    const canvas = new OffscreenCanvas(EDGE, EDGE);
    const scale = Math.max(1, EDGE / image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    canvas.getContext('2d')!.drawImage(image, (EDGE - width) / 2, (EDGE - height) / 2, width, height);
    image.close();
    return await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.8 });
  } catch {
    return null;
  }
}
