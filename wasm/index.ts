/**
 * The module's exports. Every address is in bytes, and so is every stride; all numbers are f32 unless it says otherwise.
 */
export { addRows } from './assemble';
export { attention } from './attention';
export { attentionScores, packKeys } from './attention-scores';
export { attentionValues, packValues } from './attention-values';
export { gather } from './gather';
export { layerNorm } from './layer-norm';
export { matmul } from './matmul';
export { halfwayToLargest, mean } from './mean';
export { resize } from './resize';
export { rotate } from './rotate';
export { softmax } from './softmax';
export { unfold } from './unfold';
export { unitLength } from './unit-length';
export { copyRows } from './vectors';
