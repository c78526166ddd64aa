/**
 * What lies over the photo on the stage: the exact pixels that the model is shown, or a spotlight on what it looks at.
 * Made when asked for, of the photo that is on the stage.
 */
import { computed, effect, signal } from '@preact/signals-core';
import type { ViT } from '../../index.ts';
import { type Photo, selected } from '../state/items.ts';
import { model } from '../state/model.ts';
import { isFatal } from '../state/problem.ts';
import { engine, giveUp } from './session.ts';

export type Look = 'photo' | 'sees' | 'attention';

export const look = signal<Look>('photo');
/** Null: all of them. */
export const layer = signal<number | null>(null);
export const head = signal<number | null>(null);

/** Of which photo, and what; null while it is made. */
export const overlay = signal<{ key: string; canvas: HTMLCanvasElement } | null>(null);
export const hasFailed = signal(false);

/** What is asked for: nothing while a photo waits for its answer, which comes first. */
const wanted = computed(() => {
  const photo = selected.value;
  if (look.value === 'photo' || !photo?.file || photo.state === 'waiting' || photo.state === 'working') return null;
  if (photo.state === 'failed' || model.value.state !== 'ready') return null;
  const which = look.value === 'attention' ? ` ${layer.value} ${head.value}` : '';
  return { key: `${photo.id} ${model.value.info.name} ${look.value}${which}`, photo, look: look.value };
});

let current = new AbortController();

effect(() => {
  const asked = wanted.value;
  if (asked && asked.key === overlay.peek()?.key) return;
  current.abort();
  current = new AbortController();
  overlay.value = null;
  hasFailed.value = false;
  const vit = engine();
  if (asked && vit) make(vit, asked.key, asked.photo, asked.look, current.signal);
});

async function make(vit: ViT, key: string, { file }: Photo, look: Look, signal: AbortSignal): Promise<void> {
  try {
    const canvas = look === 'sees' ? await exactPixels(vit, file!, signal) : await spotlight(vit, file!, signal);
    if (!signal.aborted) overlay.value = { key, canvas };
  } catch (error) {
    if (signal.aborted) return;
    if (isFatal(error)) giveUp(vit, error);
    else hasFailed.value = true;
  }
}

async function exactPixels(vit: ViT, file: Blob, signal: AbortSignal): Promise<HTMLCanvasElement> {
  const { data, width, height } = await vit.preprocess(file, undefined, { signal });
  return draw(width, height, (pixels) => {
    for (let i = 0; i < width * height; i++) {
      for (let channel = 0; channel < 3; channel++) pixels[4 * i + channel] = data[3 * i + channel];
      pixels[4 * i + 3] = 255;
    }
  });
}

/** How dark what is ignored becomes. */
const DARK = 0.86;

/** Black, and the less of it the more attention a patch gets. */
async function spotlight(vit: ViT, file: Blob, signal: AbortSignal): Promise<HTMLCanvasElement> {
  const options = layer.peek() === null ? { rollout: true } : { layer: layer.peek()! };
  const map = await vit.attend(file, { ...options, head: head.peek() ?? undefined, signal });
  const [rows, columns] = map.shape;
  const most = map.data.reduce((a, b) => Math.max(a, b), 0);
  const least = map.data.reduce((a, b) => Math.min(a, b), most);
  return draw(columns, rows, (pixels) => {
    for (const [i, share] of map.data.entries()) {
      const light = most > least ? (share - least) / (most - least) : 1;
      pixels[4 * i + 3] = Math.round(255 * DARK * (1 - light));
    }
  });
}

function draw(width: number, height: number, fill: (pixels: Uint8ClampedArray) => void): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  fill(image.data);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}
