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

/** Workgroups in one dimension of a grid, by default. */
const MAX_WORKGROUPS = 65_535;

/** So many workgroups, and a few more, over as many dimensions as that takes: number y * columns + x is workgroup (x, y). */
export function spread(workgroups: number): Grid {
  const rows = ceilDiv(workgroups, MAX_WORKGROUPS);
  return [ceilDiv(workgroups, rows), rows, 1];
}

/** a / b, rounded up. */
export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

/** The smallest multiple of `step` that holds `n`. */
export function roundUp(n: number, step: number): number {
  return ceilDiv(n, step) * step;
}
