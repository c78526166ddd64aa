import subgroups from '../../shaders/attention-scores.subgroups.wgsl?raw';
import source from '../../shaders/attention-scores.wgsl?raw';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { continued, specialise } from '../gpu/specialise.ts';
import { type AttentionSizes, attentionConstants } from './attention.ts';

const WORKGROUP = 64;
/** Queries, and keys, of a thread of `subgroups`. */
const TILE = 8;

/** How the work of a product is split: see the shaders. `subgroups` needs the device's feature of that name. */
export interface ProductTiling {
  entry: 'main' | 'subgroups';
}

/** Bindings qkv, table (any buffer without `grid`), y. Rows are those of y: queries of every head and image. */
export function attentionScores(
  sizes: Omit<AttentionSizes, 'sharedQuery' | 'first'>,
  { entry }: ProductTiling = { entry: 'main' },
): Kernel {
  const { tokens, heads } = sizes;
  const constants = attentionConstants(sizes);
  const kernel = { name: 'attention-scores', entry, bindings: ['read', 'read', 'write'] } as const;
  if (entry === 'subgroups') {
    const tiles = ceilDiv(tokens, TILE);
    return {
      ...kernel,
      variant: entry,
      code: specialise('attention-scores.subgroups.wgsl', continued(source, subgroups), constants),
      grid: (rows) => [ceilDiv(tiles * roundUp(tiles, 4), WORKGROUP), heads, rows / tokens / heads],
    };
  }
  return {
    ...kernel,
    code: specialise('attention-scores.wgsl', source, constants),
    grid: (rows) => [ceilDiv(tokens * ceilDiv(tokens, 4), WORKGROUP), heads, rows / tokens / heads],
  };
}
