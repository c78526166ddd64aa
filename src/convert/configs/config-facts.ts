/**
 * What a checkpoint's config says, whichever library wrote it. What it does not say is left out.
 */
import type { Pooling, PositionEmbedding, PositionResampling } from '../../model/architecture.ts';
import type { Activation, NormOrder } from '../../model/layers.ts';
import type { TextArchitecture } from '../../model/text.ts';
import type { ProblemType } from '../../weights/manifest.ts';
import type { Fact } from '../fact.ts';
import type { PreprocessFacts } from '../preprocess/preprocess-facts.ts';
import type { RotaryFacts } from '../rotary-facts.ts';
import type { Dimensions } from '../tensor-dimensions.ts';
import type { Claim, UnknownKey } from './known-keys.ts';

export interface ConfigFacts {
  /** The class of transformers, which decides what is pooled and which head there is. */
  modelClass?: string;
  /** Some configs say it of models of one width alone. */
  heads(dimensions: Dimensions): Fact<number> | undefined;
  epsilon?: Fact<number>;
  activation?: Fact<Activation>;
  /** [height, width] in pixels. */
  imageSize?: Fact<[number, number]>;
  /** [height, width] in pixels, for files that hold patches as vectors. */
  patchSize?: Fact<[number, number]>;
  pooling?: Fact<Pooling>;
  normOrder?: Fact<NormOrder>;
  rotary?: Fact<RotaryFacts>;
  positionResampling?: Fact<PositionResampling>;
  poolingHeads?: Fact<number>;
  /** That there is no final norm. */
  finalNorm?: 'none';
  /** Whether attention pools the tokens in front of the patches, too. */
  poolsPrefix?: boolean;
  positionEmbedding?: Fact<PositionEmbedding>;
  labels?: Fact<string[]>;
  problemType?: Fact<ProblemType>;
  text?: Fact<TextFacts>;
  preprocess: PreprocessFacts;
  /** The class of transformers' preprocessing that goes with the model, without `ImageProcessor`: `ViT`. */
  imageProcessor?: string;
  /** What the tensors show, too. */
  claims: Claim[];
  /** What is not understood. */
  unknown: UnknownKey[];
}

/** What tensors do not show of a text tower. */
export type TextFacts = Pick<
  TextArchitecture,
  'heads' | 'activation' | 'epsilon' | 'causal' | 'pooling' | 'endOfText' | 'padding'
>;
