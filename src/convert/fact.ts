/**
 * Something that is known of a model, and how.
 */

/** A value together with where it comes from. */
export interface Fact<T> {
  value: T;
  why: string;
}

/** `undefined` stays `undefined`: a fact that is not known. */
export function fact<T>(value: T | undefined, why: string): Fact<T> | undefined {
  return value === undefined ? undefined : { value, why };
}

/** An answer of the person who converts. */
export function given<T>(value: T | undefined): Fact<T> | undefined {
  return fact(value, 'given');
}
