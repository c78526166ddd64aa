/**
 * Puts the shaders of all tiers at hand.
 */
import attentionSubgroups from '../../shaders/attention.subgroups.wgsl?raw';
import layerNormSubgroups from '../../shaders/layer-norm.subgroups.wgsl?raw';
import matmulMatrix from '../../shaders/matmul.subgroup-matrix.wgsl?raw';
import matmulSubgroups from '../../shaders/matmul.subgroups.wgsl?raw';
import { addTierShaders } from '../gpu/tiers.ts';

addTierShaders({
  'attention.subgroups.wgsl': attentionSubgroups,
  'layer-norm.subgroups.wgsl': layerNormSubgroups,
  'matmul.subgroup-matrix.wgsl': matmulMatrix,
  'matmul.subgroups.wgsl': matmulSubgroups,
});
