import source from '../../shaders/attention-values.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';
import type { AttentionSizes } from './attention.ts';

const WORKGROUP = 64;
/** Queries, and columns, of a thread. */
const TILE = 8;

/** Bindings weights (zero where there is no key), qkv, y. Rows are tokens of all images. */
export function attentionValues({
  tokens,
  heads,
  headSize,
}: Pick<AttentionSizes, 'tokens' | 'heads' | 'headSize'>): Kernel {
  const vectors = ceilDiv(headSize, 4);
  return {
    name: 'attention-values',
    code: specialise('attention-values.wgsl', source, { TOKENS: tokens, HEADS: heads, VECTORS: vectors }),
    bindings: ['read', 'read', 'write'],
    grid: (rows) => [ceilDiv(ceilDiv(tokens, TILE) * ceilDiv(4 * vectors, TILE), WORKGROUP), heads, rows / tokens],
  };
}
