/**
 * The golden of a manifest: a known input, and which of a model's outputs are kept for it.
 */
import { type Architecture, withDefaults } from './architecture.ts';

/**
 * The input: normalised pixels in -1..1 from a linear congruential generator
 * (Numerical Recipes: a = 1664525, c = 1013904223, modulo 2^32), so that a manifest stores a seed and not an image.
 *
 * @returns `shape` elements, row-major; equal on every machine.
 */
export function goldenPixels(seed: number, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const pixels = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let state = seed >>> 0;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    pixels[i] = (state >>> 8) / 2 ** 23 - 1;
  }
  return pixels;
}

/** What a golden holds: the logits, of a model without a head the embedding, and without pooling the tokens. */
export function goldenOutput(architecture: Architecture): 'logits' | 'embedding' | 'tokens' {
  const { classes, pooling } = withDefaults(architecture);
  if (classes > 0) return 'logits';
  return pooling === 'none' ? 'tokens' : 'embedding';
}
