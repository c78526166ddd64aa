/**
 * What a checkpoint's config.json tells, whichever library wrote it. Whatever it does not tell is left out.
 */
import type { Activation, Pooling } from '../../model/architecture.ts';
import type { TextArchitecture } from '../../model/text.ts';
import type { Fact } from '../decisions.ts';
import type { PreprocessFacts } from '../preprocess/facts.ts';
import type { Dimensions } from '../tensors.ts';

export interface ConfigFacts {
  heads?: Fact<number>;
  epsilon?: Fact<number>;
  activation?: Fact<Activation>;
  /** [height, width] in pixels. */
  imageSize?: Fact<[number, number]>;
  pooling?: Fact<Pooling>;
  labels?: Fact<string[]>;
  problemType?: Fact<'single-label' | 'multi-label'>;
  text?: Fact<TextFacts>;
  preprocess: PreprocessFacts;
  /** What the tensors tell too, to see whether the two belong together: config.json's own key -> dimension and value. */
  dimensions: Record<string, { dimension: NumericDimension; value: number }>;
}

/** What tensors do not tell of a text tower. */
export type TextFacts = Pick<
  TextArchitecture,
  'heads' | 'activation' | 'epsilon' | 'causal' | 'pooling' | 'endOfText' | 'padding'
>;

type NumericDimension = {
  [Name in keyof Dimensions]: Dimensions[Name] extends number ? Name : never;
}[keyof Dimensions];
