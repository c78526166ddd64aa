/** Deterministic pictures that need no file. */

/** A linear congruential generator; the fixtures of Pillow's resizes are made from the same bytes. */
export function randomBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** RGB squares of 3 x 3 pixels in black and white: filters with negative lobes overshoot at every edge. */
export function checkerboard(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const white = (Math.floor((i % width) / 3) + Math.floor(Math.floor(i / width) / 3)) % 2 === 1;
    bytes.fill(white ? 255 : 0, 3 * i, 3 * i + 3);
  }
  return bytes;
}
