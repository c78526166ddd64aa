/**
 * Kernels that some families of models need and a plain Vision Transformer does not: they are in an annex.
 */
import { assemble } from '../../kernels/assemble.ts';
import { mean } from '../../kernels/mean.ts';
import { rotate } from '../../kernels/rotate.ts';
import { unfold } from '../../kernels/unfold.ts';
import { unitLength } from '../../kernels/unit-length.ts';
import { rotationTable } from '../../model/rotary.ts';

export const FAMILY_KERNELS = { assemble, mean, rotate, rotationTable, unfold, unitLength };

export type FamilyKernels = typeof FAMILY_KERNELS;
