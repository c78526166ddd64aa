/**
 * Attention as three kernels, whose scores are stored: those beside softmax. For attention maps, and for GPUs that compute the fused
 * kernel slowly or wrongly. They are no part of the core.
 */
import { attentionScores } from '../../kernels/attention-scores.ts';
import { attentionValues } from '../../kernels/attention-values.ts';
import { tableOf } from './packed-weights.ts';
import type { AnnexSteps } from './program.ts';

export type SeparateAttention = Pick<AnnexSteps, 'attention-scores' | 'attention-values'>;

export const SEPARATE_ATTENTION: SeparateAttention = {
  'attention-scores'({ heads, scale, causal, relative, input, output }, { plan, columns, shapes, config }) {
    const tokens = plan.values[input].rows;
    const sizes = { tokens, heads, headSize: columns[input].count / 3 / heads, scale, causal, grid: relative?.grid };
    return {
      kernel: attentionScores(sizes, config.products ?? undefined, config.shaders),
      operands: [{ value: input }, relative ? tableOf(relative.table, shapes) : { value: input }, { value: output }],
      rowsPerItem: plan.values[output].rows,
    };
  },

  'attention-values'({ heads, weights, input, output }, { plan, columns, config }) {
    const sizes = { tokens: plan.values[input].rows, heads, headSize: columns[output].count / heads };
    return {
      kernel: attentionValues(sizes, config.products ?? undefined, config.shaders),
      operands: [{ value: weights }, { value: input }, { value: output }],
      rowsPerItem: plan.values[output].rows,
    };
  },
};
