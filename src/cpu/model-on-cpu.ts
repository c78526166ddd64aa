/**
 * What everything that computes a model on the CPU is given of it.
 */
import type { Wanted } from '../backend.ts';
import type { Picture } from '../image/decode.ts';
import type { Resize } from '../image/model-pixels.ts';
import type { Plan } from '../model/plan.ts';

export interface ModelOnCpu {
  /** The plan that gives what is wanted. */
  planOf(wanted: Wanted): Plan;
  /** What the network is shown of a picture: normalised planes `[channels, height, width]`. @param resize is tried first */
  pixelsOf(picture: Picture, resize?: Resize): Float32Array;
}
