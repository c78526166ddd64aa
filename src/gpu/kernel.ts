/**
 * A kernel: everything about a dispatch that is known once the sizes are, before there is any GPU.
 */
export interface Kernel {
  /** The stem of its shader file. */
  name: string;
  /** Specialised WGSL. */
  code: string;
  /** Its entry point. Default `main`. */
  entry?: string;
  /** What is bound, in the order of `@binding`. */
  bindings: readonly Binding[];
  /** Workgroups for so many rows of work. */
  grid(rows: number): Grid;
  /**
   * How it differs from the simpler kernel that can replace it, in one word: `f16`, `subgroups`, `fused`. Where it gives wrong
   * results that one takes over; a kernel without a variant cannot be replaced.
   */
  variant?: string;
  /** The largest error that its arithmetic explains, relative to the largest value or to 1. Default `DEFAULT_TOLERANCE`. */
  tolerance?: number;
}

/** For f32, whose error is about 1e-6 in one step; that of a wrong kernel is far larger. */
export const DEFAULT_TOLERANCE = 1e-4;

/** Kernels with the same key compute the same. */
export function kernelKey(kernel: Kernel): string {
  return JSON.stringify(kernel);
}

/** `attention/fused`; null of a kernel without a variant. */
export function variantName({ kernel, variant }: { kernel: string; variant?: string }): string | null {
  return variant === undefined ? null : `${kernel}/${variant}`;
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
