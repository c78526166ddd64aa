import { FAMILY_STEPS } from '../../engine/run/family-steps.ts';
import { register } from '../registry.ts';

register('family-kernels', FAMILY_STEPS);
