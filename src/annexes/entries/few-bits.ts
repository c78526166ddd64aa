import { FEW_BIT_SHADERS, fewBits } from '../../kernels/few-bits.ts';
import { register } from '../registry.ts';

const BITS: Readonly<Record<string, 8 | 4 | undefined>> = { i8: 8, i4: 4 };

register('few-bits', {
  weightsOf: (tensors) => ({ shaders: FEW_BIT_SHADERS, fewBits, bitsOf: (tensor) => BITS[tensors[tensor].dtype] }),
});
