import source from '../../shaders/attention.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 32;

export interface AttentionSizes {
  tokens: number;
  heads: number;
  headSize: number;
  /** Of the scores, before the softmax. */
  scale: number;
}

/** Bindings qkv, y. Rows are tokens of all images; each head is padded with zeros to a multiple of 4 floats. */
export function attention({ tokens, heads, headSize, scale }: AttentionSizes): Kernel {
  return {
    name: 'attention',
    code: specialise('attention.wgsl', source, {
      TOKENS: tokens,
      HEADS: heads,
      VECTORS: ceilDiv(headSize, 4),
      SCALE: scale,
    }),
    bindings: ['read', 'write'],
    grid: (rows) => [ceilDiv(tokens, WORKGROUP), heads, rows / tokens],
  };
}
