/**
 * Attention as three kernels, whose scores are stored: those beside softmax. For attention maps, and for GPUs that compute the fused kernel
 * slowly or wrongly. They are no part of the core: who has fetched them hands them to the compiler of programs.
 */
import { attentionScores } from './attention-scores.ts';
import { attentionValues } from './attention-values.ts';

export const SEPARATE_ATTENTION = { attentionScores, attentionValues };

export type SeparateAttention = typeof SEPARATE_ATTENTION;
