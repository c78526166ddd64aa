import source from '../../shaders/softmax.wgsl?raw';
import { ceilDiv, type Kernel, spread } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

/** Of a workgroup. */
const ROWS = 64;

/** Bindings x, y. Rows are padded to a multiple of 4 floats, in y with zeros. */
export function softmax({ columns }: { columns: number }): Kernel {
  return {
    name: 'softmax',
    code: specialise('softmax.wgsl', source, { COLUMNS: columns }),
    bindings: ['read', 'write'],
    grid: (rows) => spread(ceilDiv(rows, ROWS)),
  };
}
