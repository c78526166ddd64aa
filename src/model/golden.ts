/**
 * The golden of a manifest: a known input, and which of a model's outputs are kept for it.
 */
import type { FullArchitecture } from './architecture.ts';
import type { TextArchitecture } from './text.ts';

/**
 * The input: normalised pixels in -1..1 from a linear congruential generator
 * (Numerical Recipes: a = 1664525, c = 1013904223, modulo 2^32), so that a manifest stores a seed and not an image.
 *
 * @returns `shape` elements, row-major; equal on every machine.
 */
export function goldenPixels(seed: number, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const pixels = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const next = generator(seed);
  for (let i = 0; i < pixels.length; i++) pixels[i] = next() / 2 ** 23 - 1;
  return pixels;
}

/** A text as long as the model takes, which ends as its texts do. The manifest holds the ids themselves. */
export function goldenIds(seed: number, { vocabulary, tokens, endOfText }: TextArchitecture): number[] {
  const next = generator(seed);
  const ids = Array.from({ length: tokens }, () => next() % vocabulary);
  if (endOfText === undefined) return ids;
  // Where a text ends first is its end.
  return [...ids.slice(1).map((id) => (id === endOfText ? (id + 1) % vocabulary : id)), endOfText];
}

/** Whole numbers below 2^24. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

/** What a golden holds: the logits, of a model without a head the embedding, and without pooling the tokens. */
export function goldenOutput({ classes, pooling }: FullArchitecture): 'logits' | 'embedding' | 'tokens' {
  if (classes > 0) return 'logits';
  return pooling === 'none' ? 'tokens' : 'embedding';
}
