/**
 * What lies over the photo on the stage: the exact pixels that the model is shown, a spotlight on what it looks at, or on what is
 * alike. Made when asked for, of the photo that is on the stage.
 */
import { computed, effect, signal } from '@preact/signals-core';
import type { ViT } from '../../index.ts';
import { type Photo, selected } from '../state/items.ts';
import { model } from '../state/model.ts';
import { isFatal } from '../state/problem.ts';
import { engine, giveUp } from './model.ts';
import { draw, type Fill, type Patch, shade } from './overlay.ts';

export type Look = 'photo' | 'sees' | 'attention' | 'similar';

export const look = signal<Look>('photo');
/** Null: all of them. */
export const layer = signal<number | null>(null);
export const head = signal<number | null>(null);

/** Of which photo, and what; null while it is made. */
export const overlay = signal<Overlay | null>(null);

interface Overlay {
  key: string;
  canvas: HTMLCanvasElement;
  /** Where it depends on a patch: draws it for another one. */
  show?: (patch: Patch) => void;
}

/** Which patch the others are compared with; null before somebody chose one: the one in the middle. */
export const patch = signal<Patch | null>(null);
/** Within the grid of the model that is here; null while no patch is to be chosen. */
export const shownPatch = computed(() => {
  if (!overlay.value?.show) return null;
  const { width, height } = overlay.value.canvas;
  const { row, column } = patch.value ?? { row: height >> 1, column: width >> 1 };
  return { row: Math.min(row, height - 1), column: Math.min(column, width - 1) };
});

effect(() => {
  if (shownPatch.value) overlay.value?.show?.(shownPatch.value);
});

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
    const made = await MAKE[look as keyof typeof MAKE](vit, file!, signal);
    if (!signal.aborted) overlay.value = { key, ...made };
  } catch (error) {
    if (signal.aborted) return;
    if (isFatal(error)) giveUp(vit, error);
    else hasFailed.value = true;
  }
}

const MAKE = {
  sees: exactPixels,
  attention: spotlight,
  similar: async (...args: Parameters<typeof exactPixels>) => (await import('./similar.ts')).similarPatches(...args),
};

type Made = Promise<Omit<Overlay, 'key'>>;

async function exactPixels(vit: ViT, file: Blob, signal: AbortSignal): Made {
  const { data, width, height } = await vit.preprocess(file, undefined, { signal });
  return drawn(width, height, (pixels) => {
    for (let i = 0; i < width * height; i++) {
      for (let channel = 0; channel < 3; channel++) pixels[4 * i + channel] = data[3 * i + channel];
      pixels[4 * i + 3] = 255;
    }
  });
}

async function spotlight(vit: ViT, file: Blob, signal: AbortSignal): Made {
  const options = layer.peek() === null ? { rollout: true } : { layer: layer.peek()! };
  const map = await vit.attend(file, { ...options, head: head.peek() ?? undefined, signal });
  const [rows, columns] = map.shape;
  return drawn(columns, rows, (pixels) => shade(pixels, map.data));
}

function drawn(width: number, height: number, fill: Fill): { canvas: HTMLCanvasElement } {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  draw(canvas, fill);
  return { canvas };
}
