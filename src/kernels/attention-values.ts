import source from '../../shaders/attention-values.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';
import type { AttentionSizes } from './attention.ts';

const WORKGROUP = 64;

/** Bindings weights, qkv, y. Rows are tokens of all images. */
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
    grid: (rows) => [ceilDiv(tokens * heads * vectors, WORKGROUP), 1, rows / tokens],
  };
}
