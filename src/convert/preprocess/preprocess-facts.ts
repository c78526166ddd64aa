/**
 * What a config file says of preprocessing, part by part. Whatever it does not say is left out.
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
