import source from '../../shaders/attention-values.wgsl?raw';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { continued, specialise } from '../gpu/specialise.ts';
import type { AttentionSizes } from './attention.ts';
import { type OptionalShaders, shaderOf } from './optional-shaders.ts';
import { type ProductTiling, QUAD_ROWS } from './product-tiling.ts';

const WORKGROUP = 64;

/** Bindings weights (zero where there is no key), qkv, y. Rows are tokens of all images. */
export function attentionValues(
  { tokens, heads, headSize }: Pick<AttentionSizes, 'tokens' | 'heads' | 'headSize'>,
  { entry }: ProductTiling = { entry: 'main' },
  shaders: OptionalShaders = {},
): Kernel {
  const vectors = ceilDiv(headSize, 4);
  const constants = { TOKENS: tokens, HEADS: heads, VECTORS: vectors };
  const kernel = { name: 'attention-values', entry, bindings: ['read', 'read', 'write'] } as const;
  if (entry === 'subgroups') {
    const file = 'attention-values.subgroups.wgsl';
    const threads = ceilDiv(tokens, QUAD_ROWS) * roundUp(vectors, 4);
    return {
      ...kernel,
      variant: entry,
      code: specialise(file, continued(source, shaderOf(file, shaders)), constants),
      grid: (rows) => [ceilDiv(threads, WORKGROUP), heads, rows / tokens],
    };
  }
  return {
    ...kernel,
    code: specialise('attention-values.wgsl', source, constants),
    grid: (rows) => [ceilDiv(tokens * vectors, WORKGROUP), heads, rows / tokens],
  };
}
