import source from '../../shaders/softmax.wgsl?raw';
import { type Kernel, roundUp, spread } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

/** Bindings x, y. Rows are padded to a multiple of 4 floats. */
export function softmax({ columns }: { columns: number }): Kernel {
  return {
    name: 'softmax',
    code: specialise('softmax.wgsl', source, { COLUMNS: columns, STRIDE: roundUp(columns, 4) }),
    bindings: ['read', 'write'],
    grid: spread,
  };
}
