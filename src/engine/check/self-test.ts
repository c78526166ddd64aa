/**
 * Whether a backend computes what the model's converter computed: the golden of the manifest.
 */

import type { Backend } from '../../backend.ts';
import type { EngineOptions } from '../../interface.ts';
import type { Replay } from './tower.ts';

export interface Comparison {
  passed: boolean;
  /** Largest absolute difference; infinite where there is no number. */
  maxError: number;
  tolerance: number;
}

/**
 * Replays a golden.
 * @param dtype as the caller asked for it: the golden was computed with weights that are not rounded
 */
export async function replayGolden(
  backend: Backend,
  { input, output, expected }: Replay,
  dtype: EngineOptions['dtype'],
): Promise<Comparison> {
  return compare(
    (await backend.run(input, { outputs: [output] }))[output]!.data,
    expected,
    boundFor(dtype, backend.storage),
  );
}

/**
 * Relative to the largest logit the error is 1e-5 in f32 (ViT-Tiny: 2e-5) and 1e-3 with weights rounded to f16; that of a wrong
 * network is far larger.
 */
export function boundFor(dtype: EngineOptions['dtype'], storage: Backend['storage']): number {
  return dtype === 'f16' && storage === 'f16' ? 1e-2 : 1e-4;
}

/** @param bound relative to the largest expected value, or to 1 */
export function compare(computed: ArrayLike<number>, expected: ArrayLike<number>, bound: number): Comparison {
  let maxError = 0;
  let largest = 1;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(computed[i] - expected[i]);
    maxError = Number.isNaN(error) ? Infinity : Math.max(maxError, error);
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  const tolerance = bound * largest;
  return { passed: maxError <= tolerance, maxError, tolerance };
}
