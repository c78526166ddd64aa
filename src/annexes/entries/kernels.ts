import type { KernelAnnex } from '../../engine/gpu-backend.ts';
import { SEPARATE_ATTENTION } from '../../engine/run/separate-attention.ts';
import { ALL_SHADERS } from '../../kernels/all-shaders.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** Shaders that are faster on some GPUs, and attention in several kernels. */
    kernels: KernelAnnex;
  }
}

register('kernels', { shaders: ALL_SHADERS, separate: SEPARATE_ATTENTION });
