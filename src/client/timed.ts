/**
 * An answer and how long it took. The time is a property that is neither listed nor copied, so that an array of labels stays
 * one, and equal answers stay equal.
 */
import type { Timing } from '../interface.ts';

export type Timed<T> = T & { readonly timing: Timing };

export function timed<T extends object>(answer: T, timing: Timing): Timed<T> {
  return Object.defineProperty(answer, 'timing', { value: timing }) as Timed<T>;
}
