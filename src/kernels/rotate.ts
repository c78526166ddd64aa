import source from '../../shaders/rotate.wgsl?raw';
import { ceilDiv, type Kernel, roundUp } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;

export interface RotateSizes {
  /** Of each image. */
  tokens: number;
  /** Of these, so many in front stay as they are. */
  first: number;
  heads: number;
  /** Half of a head's features. */
  pairs: number;
  /** Whether the table has a part for each head. */
  perHead: boolean;
}

/** Bindings table (cosines and sines, as `rotationTable` has them), y. Rows are tokens of all images. */
export function rotate({ tokens, first, heads, pairs, perHead }: RotateSizes): Kernel {
  return {
    name: 'rotate',
    code: specialise('rotate.wgsl', source, {
      TOKENS: tokens,
      FIRST: first,
      HEADS: heads,
      PAIRS: pairs,
      SIZE: roundUp(2 * pairs, 4),
      PER_HEAD: perHead,
    }),
    bindings: ['read', 'write'],
    grid: (rows) => [ceilDiv(2 * heads * pairs, WORKGROUP), tokens - first, rows / tokens],
  };
}
