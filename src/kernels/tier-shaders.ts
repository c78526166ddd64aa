import attention from '../../shaders/attention.subgroups.wgsl?raw';
import layerNorm from '../../shaders/layer-norm.subgroups.wgsl?raw';
import { matrixFor, matrixMatmul } from './matmul.subgroup-matrix.ts';
import { addTiers } from './tiers.ts';

/** Puts the kernels of all tiers at hand: call it before a model is loaded. */
export function addAllTiers(): void {
  addTiers({ matrixFor, matrixMatmul, attention, layerNorm });
}
