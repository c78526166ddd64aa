/**
 * Numbers that look random. Apart from what knows kernels: Playwright's tests cannot import shaders.
 */

/** Values in -scale..scale that are the same in every run (mulberry32). */
export function random(length: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale;
  });
}
