import type { FewBitsAnnex } from '../../engine/gpu-backend.ts';
import { fewBits } from '../../engine/run/few-bit-weights.ts';
import { FEW_BIT_SHADERS } from '../../kernels/few-bits.ts';
import { bitsOfTensors } from '../../weights/tensor-bits.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Weights that stay in 8 or 4 bits on the GPU. */
    'few-bits': FewBitsAnnex;
  }
}

register('few-bits', {
  weightsOf(tensors) {
    const bits = bitsOfTensors(tensors);
    return { shaders: FEW_BIT_SHADERS, fewBits, bitsOf: (tensor) => bits[tensor] };
  },
});
