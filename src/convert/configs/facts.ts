/**
 * What a checkpoint's config.json tells, whichever library wrote it. Whatever it does not tell is left out.
 */
import type { Activation } from '../../model/architecture.ts';
import type { Fact } from '../decisions.ts';
import type { PreprocessFacts } from '../preprocess/facts.ts';
import type { Dimensions } from '../tensors.ts';

export interface ConfigFacts {
  heads?: Fact<number>;
  epsilon?: Fact<number>;
  activation?: Fact<Activation>;
  /** [height, width] in pixels. */
  imageSize?: Fact<[number, number]>;
  labels?: Fact<string[]>;
  problemType?: Fact<'single-label' | 'multi-label'>;
  preprocess: PreprocessFacts;
  /** What the tensors tell too, to see whether the two belong together: config.json's own key -> dimension and value. */
  dimensions: Record<string, { dimension: keyof Dimensions; value: number }>;
}
