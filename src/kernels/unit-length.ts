import source from '../../shaders/unit-length.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

/** Bindings x, y. Rows are padded with zeros to a multiple of 4 floats. */
export function unitLength({ columns }: { columns: number }): Kernel {
  return {
    name: 'unit-length',
    code: specialise('unit-length.wgsl', source, { COLUMNS: ceilDiv(columns, 4) }),
    bindings: ['read', 'write'],
    grid: (rows) => [rows, 1, 1],
  };
}
