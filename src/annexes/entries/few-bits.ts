import { FEW_BIT_SHADERS, fewBits } from '../../kernels/few-bits.ts';
import { bitsOfTensors } from '../../weights/tensor-bits.ts';
import { register } from '../registry.ts';

register('few-bits', {
  weightsOf(tensors) {
    const bits = bitsOfTensors(tensors);
    return { shaders: FEW_BIT_SHADERS, fewBits, bitsOf: (tensor) => bits[tensor] };
  },
});
