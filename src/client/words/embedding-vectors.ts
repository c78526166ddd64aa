/**
 * Embeddings as directions: what models of two towers, and classifiers made of a few pictures, compare.
 */

import { badInput } from '../check-options.ts';
import type { Embedding } from '../image-list.ts';

/** Of numbers with any length but zero. */
export function unitLength(vector: ArrayLike<number>): Float32Array<ArrayBuffer> {
  let square = 0;
  for (let i = 0; i < vector.length; i++) square += vector[i] ** 2;
  return Float32Array.from(vector, (value) => value / (Math.sqrt(square) || 1));
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function meanOf(vectors: readonly ArrayLike<number>[]): Float32Array<ArrayBuffer> {
  const sum = new Float64Array(vectors[0].length);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i] += vector[i];
  return Float32Array.from(sum, (value) => value / vectors.length);
}

/** @throws ViTError `bad-input` where the numbers of features differ */
export function requireWidth(vector: ArrayLike<number>, width: number, what: string): void {
  if (vector.length === width) return;
  throw badInput(`${what} has ${vector.length} features, and the other one ${width}: they are of two models.`);
}

export function isEmbedding(value: unknown): value is Embedding {
  return value instanceof Float32Array;
}

/** @throws ViTError `bad-input` where it is no embedding of this model, or none at all */
export function requireEmbedding(vector: Embedding, width: number): void {
  if (vector.length !== width) {
    throw badInput(`The embedding has ${vector.length} features; this model's have ${width}.`);
  }
  if (!vector.every(Number.isFinite)) throw badInput('The embedding holds NaN or infinity.');
}
