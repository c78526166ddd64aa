/**
 * What timm's plain fixtures were made with and no tensor shows: a person who has no config is asked for it.
 */
import type { Answers } from '../../src/convert/answers.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';

export const TIMM = { epsilon: 1e-6, activation: 'gelu', normFirst: true } as const;

/**
 * @returns the answers with timm's defaults for those that are missing, where the tensors are timm's; but not for a CLIP, a
 *   SigLIP or Meta's DINOv3, which have others
 */
export function withTimmAnswers<T extends Answers>({ tensors }: Checkpoint, answers: T): T {
  const has = (name: string) => [...tensors.keys()].some((key) => key === name || key.endsWith(`.${name}`));
  const isOther = has('linear_head.weight') || has('rope_embed.periods');
  const isTimm = has('patch_embed.proj.weight') && has('blocks.0.attn.qkv.weight') && !isOther;
  if (!isTimm || answers.config || answers.architecture) return answers;
  const averages = has('fc_norm.weight') || !has('cls_token');
  const {
    epsilon = has('norm_pre.weight') ? undefined : TIMM.epsilon,
    activation = has('norm_pre.weight') || !has('cls_token') ? undefined : TIMM.activation,
    normFirst = TIMM.normFirst,
    pooling = has('attn_pool.latent') ? undefined : averages ? 'patches' : 'class',
  } = answers;
  return { ...answers, epsilon, activation, normFirst, pooling };
}
