/**
 * A kernel: everything about a dispatch that is known once the sizes are, before there is any GPU.
 */
export interface Kernel {
  /** The stem of its shader file. */
  name: string;
  /** Specialised WGSL with one entry point, `main`. */
  code: string;
  /** What is bound, in the order of `@binding`. */
  bindings: readonly Binding[];
  /** Workgroups for so many rows of work. */
  grid(rows: number): Grid;
}

export type Binding = 'read' | 'write' | 'uniform';

/** x, y, z */
export type Grid = readonly [number, number, number];

/** a / b, rounded up. */
export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

/** The smallest multiple of `step` that holds `n`. */
export function roundUp(n: number, step: number): number {
  return ceilDiv(n, step) * step;
}
