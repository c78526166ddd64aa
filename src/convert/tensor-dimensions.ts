/**
 * What tensors show of an architecture.
 */
import type { Architecture, Pooling } from '../model/architecture.ts';
import type { Rotary } from '../model/rotary.ts';
import type { TextArchitecture } from '../model/text.ts';

export interface Dimensions
  extends Pick<Architecture, 'patchSize' | 'channels' | 'width' | 'depth' | 'mlpWidth' | 'classes'>,
    Required<
      Pick<
        Architecture,
        | 'norm'
        | 'classToken'
        | 'distillationToken'
        | 'registerTokens'
        | 'pixelNorm'
        | 'stem'
        | 'patchBias'
        | 'patchNorm'
        | 'normBeforeBlocks'
        | 'qkvBias'
        | 'qkNorm'
        | 'attentionNorm'
        | 'relativePositionBias'
        | 'layerScale'
        | 'mlp'
        | 'mlpNorm'
        | 'finalNorm'
        | 'prefixNorm'
        | 'poolingQuery'
        | 'poolingMlpWidth'
        | 'representation'
        | 'projection'
        | 'projectionBias'
      >
    > {
  /** `null` where different models have these tensors. */
  pooling: Pooling | null;
  /** `null` where no tensor shows it. */
  heads: number | null;
  /** Of all heads together. */
  attentionWidth: number;
  /** Whether one tensor holds the gates and the other half of a SwiGLU's first layer. */
  packedMlp: boolean;
  /** Rows of the position embedding; `null` where there is none. */
  positions: number | null;
  /** Rows of a relative position bias; `null` where there is none. */
  relativeBiases: number | null;
  /** Whether frequencies of rotary positions are among the tensors, and of how many features of a head. */
  frequencies: { of: Rotary['frequencies']; headSize: number } | null;
  text: TextDimensions | null;
}

export type TextDimensions = Pick<
  Required<TextArchitecture>,
  'vocabulary' | 'tokens' | 'width' | 'depth' | 'mlpWidth' | 'norm' | 'mlp'
> & {
  /** Of the embedding. */
  projection: number;
  projectionBias: boolean;
};
