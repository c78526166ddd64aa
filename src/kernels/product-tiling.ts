/**
 * How the work of a product of attention is split, where scores are stored: of attention-scores and attention-values alike.
 */
import type { Capabilities } from '../gpu/capabilities.ts';

/** See the shaders. `subgroups` is optional. */
export interface ProductTiling {
  entry: 'main' | 'subgroups';
}

/** Rows that one thread of `subgroups` computes, also of a matmul. */
export const QUAD_ROWS = 12;

/** Every way to split the work that a GPU can take. */
export function productVariants({ subgroups }: Capabilities): ProductTiling[] {
  return [{ entry: 'main' }, ...(subgroups ? [{ entry: 'subgroups' } as const] : [])];
}
