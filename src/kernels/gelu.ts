import code from '../../shaders/gelu.wgsl?raw';
import { ceilDiv, type Kernel } from '../gpu/kernel.ts';

/** Bindings x, y. A row of work is one float. */
export function gelu(): Kernel {
  return { name: 'gelu', code, bindings: ['read', 'write'], grid: (floats) => [ceilDiv(floats, 4 * 64), 1, 1] };
}
