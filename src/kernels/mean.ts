import source from '../../shaders/mean.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WIDE = 16;

export interface MeanSizes {
  /** Rows of x per image. */
  tokens: number;
  /** Of these, which ones. */
  first: number;
  count: number;
  /** Columns of x. */
  width: number;
  /** y has `parts` slices as wide as x, and `part` is written. Default the only one. */
  part?: number;
  parts?: number;
  /** Halfway between the mean and the largest. Default false. */
  largest?: boolean;
}

/** Bindings x, y. Rows are images; each slice is padded to a multiple of 4 floats. */
export function mean({ tokens, first, count, width, part = 0, parts = 1, largest = false }: MeanSizes): Kernel {
  const vectors = ceilDiv(width, 4);
  return {
    name: 'mean',
    code: specialise('mean.wgsl', source, {
      TOKENS: tokens,
      FIRST: first,
      COUNT: count,
      COLUMNS: vectors,
      STRIDE: parts * vectors,
      OFFSET: part * vectors,
      LARGEST: largest,
      WIDE,
    }),
    bindings: ['read', 'write'],
    grid: (images) => [ceilDiv(vectors, WIDE), images, 1],
  };
}
