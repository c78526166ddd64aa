import source from '../../shaders/head.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

/** Bindings x, weight (packed as for matmul), bias, y. Rows are images. */
export function head({ inputs, outputs }: { inputs: number; outputs: number }): Kernel {
  const vectors = ceilDiv(outputs, 4);
  return {
    name: 'head',
    code: specialise('head.wgsl', source, { INPUTS: ceilDiv(inputs, 4), OUTPUTS: vectors }),
    bindings: ['read', 'read', 'read', 'write'],
    grid: (images) => [vectors, images, 1],
  };
}
