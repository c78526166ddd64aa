import source from '../../shaders/attention-scores.wgsl?raw';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { continued, specialise } from '../gpu/specialise.ts';
import { type AttentionSizes, attentionConstants } from './attention.ts';
import { type OptionalShaders, shaderOf } from './optional-shaders.ts';
import { type ProductTiling, QUAD_ROWS } from './product-tiling.ts';

const WORKGROUP = 64;

/** Bindings qkv, table (any buffer without `grid`), y. Rows are those of y: queries of every head and image. */
export function attentionScores(
  sizes: Omit<AttentionSizes, 'sharedQuery' | 'first'>,
  { entry }: ProductTiling = { entry: 'main' },
  shaders: OptionalShaders = {},
): Kernel {
  const { tokens, heads } = sizes;
  const constants = attentionConstants(sizes);
  const kernel = { name: 'attention-scores', entry, bindings: ['read', 'read', 'write'] } as const;
  if (entry === 'subgroups') {
    const file = 'attention-scores.subgroups.wgsl';
    const threads = ceilDiv(tokens, QUAD_ROWS) * roundUp(ceilDiv(tokens, 4), 4);
    return {
      ...kernel,
      variant: entry,
      code: specialise(file, continued(source, shaderOf(file, shaders)), constants),
      grid: (rows) => [ceilDiv(threads, WORKGROUP), heads, rows / tokens / heads],
    };
  }
  return {
    ...kernel,
    code: specialise('attention-scores.wgsl', source, constants),
    grid: (rows) => [ceilDiv(tokens * ceilDiv(tokens, 4), WORKGROUP), heads, rows / tokens / heads],
  };
}
