/**
 * All of the optional shaders but those for weights of few bits: for the annex that brings them, tests and benchmarks.
 */

import attentionSubgroups from '../../shaders/attention.subgroups.wgsl?raw';
import attentionTiled from '../../shaders/attention.tiled.wgsl?raw';
import attentionScoresSubgroups from '../../shaders/attention-scores.subgroups.wgsl?raw';
import attentionValuesSubgroups from '../../shaders/attention-values.subgroups.wgsl?raw';
import matmulHalf from '../../shaders/matmul.half.wgsl?raw';
import matmulSplit from '../../shaders/matmul.split.wgsl?raw';
import matmulStaged from '../../shaders/matmul.staged.wgsl?raw';
import matmulSubgroupMatrix from '../../shaders/matmul.subgroup-matrix.wgsl?raw';
import matmulSubgroups from '../../shaders/matmul.subgroups.wgsl?raw';
import type { FEW_BIT_SHADERS } from './few-bits.ts';
import type { OptionalShaders } from './optional-shaders.ts';

export const ALL_SHADERS: Required<Omit<OptionalShaders, keyof typeof FEW_BIT_SHADERS>> = {
  'attention-scores.subgroups.wgsl': attentionScoresSubgroups,
  'attention-values.subgroups.wgsl': attentionValuesSubgroups,
  'attention.subgroups.wgsl': attentionSubgroups,
  'attention.tiled.wgsl': attentionTiled,
  'matmul.half.wgsl': matmulHalf,
  'matmul.split.wgsl': matmulSplit,
  'matmul.staged.wgsl': matmulStaged,
  'matmul.subgroup-matrix.wgsl': matmulSubgroupMatrix,
  'matmul.subgroups.wgsl': matmulSubgroups,
};
