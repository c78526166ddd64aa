import { FAMILY_KERNELS } from '../../engine/choose/family-kernels.ts';
import { register } from '../registry.ts';

register('family-kernels', FAMILY_KERNELS);
