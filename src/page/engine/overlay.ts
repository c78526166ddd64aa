/**
 * What lies over a photo, drawn by patches.
 */

/** Counted from the upper left one, from 0 on. */
export interface Patch {
  row: number;
  column: number;
}

export type Fill = (pixels: Uint8ClampedArray) => void;

export function draw(canvas: HTMLCanvasElement, fill: Fill): void {
  const image = new ImageData(canvas.width, canvas.height);
  fill(image.data);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}

/** How dark the darkest becomes. */
const DARK = 0.86;

/** Black, and the less of it the larger the value of a patch. @param values one per patch */
export function shade(pixels: Uint8ClampedArray, values: Float32Array): void {
  const most = values.reduce((a, b) => Math.max(a, b));
  const least = values.reduce((a, b) => Math.min(a, b));
  for (const [i, value] of values.entries()) {
    const light = most > least ? (value - least) / (most - least) : 1;
    pixels[4 * i + 3] = Math.round(255 * DARK * (1 - light));
  }
}
