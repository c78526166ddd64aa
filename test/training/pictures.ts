/**
 * A made-up data set of three classes that a network learns in seconds: one folder of bitmaps per class.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Colour = [number, number, number];

/** What each class shows, at a place of the picture from 0 to 1. */
export const CLASSES: Record<string, (x: number, y: number) => boolean> = {
  disc: (x, y) => Math.hypot(x - 0.5, y - 0.5) < 0.35,
  halves: (x) => x < 0.5,
  stripes: (_, y) => Math.floor(y * 6) % 2 === 0,
};

/** Every fourth lies in the wrong folder: where all answers are right, a score says nothing. */
export function writePictures(folder: string, perClass: number): void {
  const names = Object.keys(CLASSES);
  for (const [place, name] of names.entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const shown = i % 4 === 3 ? names[(place + 1) % names.length] : name;
      writeFileSync(join(folder, name, `${i}.bmp`), example(shown));
    }
  }
}

/** A picture of one class, in two colours of its own. Not square: training and page squash it alike. */
export function example(name: string): Buffer {
  const light = [0, 0, 0].map(() => 150 + 100 * random()) as Colour;
  const dark = [0, 0, 0].map(() => 100 * random()) as Colour;
  return bitmap(48, 40, (x, y) => (CLASSES[name](x, y) ? light : dark));
}

/** A small generator of numbers from 0 to 1, the same ones every time. */
let state = 1;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** 24 bits per pixel, from below. */
function bitmap(width: number, height: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const stride = Math.ceil((3 * width) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM');
  for (const [at, value] of [
    [2, file.length],
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
    [26, 1 | (24 << 16)],
  ]) {
    file.writeUInt32LE(value, at);
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colourAt(x / width, 1 - y / height);
      file.set([blue, green, red], 54 + y * stride + 3 * x);
    }
  }
  return file;
}
