import source from '../../shaders/head.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';
import type { WeightStorage } from './matmul.ts';

export interface HeadSizes {
  /** Columns of x and of y. */
  inputs: number;
  outputs: number;
  /** Add to what y holds instead of replacing it. Default false. */
  accumulate?: boolean;
  /** Of the weight as it is stored. Default `'f32'`. */
  storage?: WeightStorage;
}

/** Bindings x, weight (packed as for matmul), bias, y. Rows are images. */
export function head({ inputs, outputs, accumulate = false, storage = 'f32' }: HeadSizes): Kernel {
  const vectors = ceilDiv(outputs, 4);
  return {
    name: 'head',
    ...(storage === 'f16' && { variant: 'f16' }),
    code: specialise(
      'head.wgsl',
      source,
      { INPUTS: ceilDiv(inputs, 4), OUTPUTS: vectors, ACCUMULATE: accumulate },
      storage,
    ),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (images) => [vectors, images, 1],
  };
}
