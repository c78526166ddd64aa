import source from '../../shaders/softmax.wgsl?raw';
import { ceilDiv, type Kernel, spread } from '../gpu/kernel.ts';
import { specialise } from '../gpu/specialise.ts';

const WORKGROUP = 64;
/** Short rows are many, those of attention; a long one is alone with its classes. Floats. */
const SHORT = 2048;

/** Bindings x, y. Rows are padded to a multiple of 4 floats, in y with zeros. */
export function softmax({ columns }: { columns: number }): Kernel {
  const lanes = columns <= SHORT ? 4 : WORKGROUP;
  return {
    name: 'softmax',
    code: specialise('softmax.wgsl', source, { COLUMNS: columns, LANES: lanes }),
    bindings: ['read', 'write'],
    grid: (rows) => spread(ceilDiv(rows * lanes, WORKGROUP)),
  };
}
