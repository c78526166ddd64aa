/**
 * Puts the kernels of all tiers at hand.
 */
import attention from '../../shaders/attention.subgroups.wgsl?raw';
import layerNorm from '../../shaders/layer-norm.subgroups.wgsl?raw';
import { matrixFor, matrixMatmul } from './matmul.subgroup-matrix.ts';
import { addTiers } from './tiers.ts';

addTiers({ matrixFor, matrixMatmul, attention, layerNorm });
