import { FAMILY_STEPS } from '../../engine/run/family-steps.ts';
import type { FamilySteps } from '../../engine/run/program.ts';
import { register } from '../registry.ts';

declare module '../table.ts' {
  interface AnnexTable {
    /** What a plain Vision Transformer does not need on the GPU. */
    'family-kernels': FamilySteps;
  }
}

register('family-kernels', FAMILY_STEPS);
