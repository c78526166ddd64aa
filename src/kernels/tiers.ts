/**
 * Kernels for GPUs that can do more than every GPU can, where they are at hand. They are not part of what a page downloads:
 * together they take 2 KB of its 60, and on the drivers that they were measured on something that is shipped was faster than
 * each (`bench/RESULTS.md`). Tests and benchmarks call `addAllTiers`; then tuning tries attention and matrices.
 */
import type { matrixFor, matrixMatmul } from './matmul.subgroup-matrix.ts';

export interface Tiers {
  matrixFor: typeof matrixFor;
  matrixMatmul: typeof matrixMatmul;
  /** WGSL of `attention.subgroups.wgsl`, and so on. */
  attention: string;
  layerNorm: string;
}

/** Null where `addAllTiers` was not called: then no GPU is said to have what they need. */
export let tiers: Tiers | null = null;

export function addTiers(all: Tiers): void {
  tiers = all;
}
