/**
 * Kernels for GPUs that can do more than every GPU can, where they are at hand. They are not part of what a page downloads:
 * together they take 2 KB of its 60, and none was faster on the drivers it was measured on (`bench/RESULTS.md`). Who imports
 * `tier-shaders.ts` has them, and tuning tries them.
 */
import { ViTError } from '../error.ts';
import type { matrixFor, matrixMatmul } from './matmul.subgroup-matrix.ts';

export interface Tiers {
  matrixFor: typeof matrixFor;
  matrixMatmul: typeof matrixMatmul;
  /** WGSL of `attention.subgroups.wgsl`, and so on. */
  attention: string;
  layerNorm: string;
}

let atHand: Tiers | null = null;

export function addTiers(tiers: Tiers): void {
  atHand = tiers;
}

export function hasTiers(): boolean {
  return atHand !== null;
}

/** @throws ViTError `shader` where `tier-shaders.ts` was not imported */
export function tier<Name extends keyof Tiers>(name: Name): Tiers[Name] {
  if (!atHand) throw new ViTError('shader', `${name} is not at hand.`);
  return atHand[name];
}
