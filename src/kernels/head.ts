import source from '../../shaders/head.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

export interface HeadSizes {
  /** Columns of x and of y. */
  inputs: number;
  outputs: number;
  /** Add to what y holds instead of replacing it. Default false. */
  accumulate?: boolean;
}

/** Bindings x, weight (packed as for matmul), bias, y. Rows are images. */
export function head({ inputs, outputs, accumulate = false }: HeadSizes): Kernel {
  const vectors = ceilDiv(outputs, 4);
  return {
    name: 'head',
    code: specialise('head.wgsl', source, {
      INPUTS: ceilDiv(inputs, 4),
      OUTPUTS: vectors,
      ACCUMULATE: accumulate,
    }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (images) => [vectors, images, 1],
  };
}
