/**
 * What a config file tells of preprocessing, part by part. Whatever it does not tell is left out.
 */
import type { Crop, Filter, Resize } from '../../model/preprocess.ts';
import type { Fact } from '../fact.ts';

export interface PreprocessFacts {
  /** `null`: it says that nothing is resized. */
  resize?: Fact<Resize | null>;
  filter?: Fact<Filter>;
  crop?: Fact<Crop | null>;
  mean?: Fact<number[]>;
  std?: Fact<number[]>;
}
