import { SEPARATE_ATTENTION } from '../../engine/run/separate-attention.ts';
import { ALL_SHADERS } from '../../kernels/all-shaders.ts';
import { register } from '../registry.ts';

register('kernels', { shaders: ALL_SHADERS, separate: SEPARATE_ATTENTION });
