import source from '../../shaders/attention-scores.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';
import type { AttentionSizes } from './attention.ts';

const WORKGROUP = 64;
/** Queries, and keys, of a thread. */
const TILE = 8;

/** Bindings qkv, table (any buffer without `grid`), y. Rows are those of y: queries of every head and image. */
export function attentionScores({
  tokens,
  heads,
  headSize,
  scale,
  causal = false,
  grid = null,
}: Omit<AttentionSizes, 'sharedQuery'>): Kernel {
  return {
    name: 'attention-scores',
    code: specialise('attention-scores.wgsl', source, {
      TOKENS: tokens,
      HEADS: heads,
      VECTORS: ceilDiv(headSize, 4),
      SCALE: scale,
      CAUSAL: causal,
      RELATIVE_BIAS: grid !== null,
      GRID_ROWS: grid?.[0] ?? 1,
      GRID_COLUMNS: grid?.[1] ?? 1,
    }),
    bindings: ['read', 'read', 'write'],
    grid: (rows) => [ceilDiv(ceilDiv(tokens, TILE) ** 2, WORKGROUP), heads, rows / tokens / heads],
  };
}
