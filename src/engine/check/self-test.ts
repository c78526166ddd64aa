/**
 * Whether a backend computes what the model's converter computed: the golden of the manifest, and the preprocessing of a
 * picture.
 */

import type { Backend, Input } from '../../backend.ts';
import { pixelsOf } from '../../image/model-pixels.ts';
import type { EngineOptions, Outputs } from '../../interface.ts';
import { goldenOutput, goldenPixels } from '../../model/golden.ts';
import type { Plan } from '../../model/plan.ts';
import type { LoadedManifest } from '../../weights/manifest.ts';
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

/** Compares a picture that the backend resizes with the same one resized on the CPU. */
export async function checkPicture(backend: Backend, { preprocess }: LoadedManifest, plan: Plan): Promise<Comparison> {
  const { channels } = plan.architecture;
  const [width, height] = [61, 47];
  const noise = goldenPixels(1, [height * width, 4]);
  const data = Uint8ClampedArray.from(noise, (value, i) => (i % 4 === 3 ? 255 : (value + 1) * 128));
  const picture = { data, width, height };
  const pixels = pixelsOf(preprocess, channels)(picture);
  const name = goldenOutput(plan.architecture);
  const run = async (input: Input): Promise<Outputs> => backend.run(input, { outputs: [name] });
  const expected = await run({ batch: 1, pixels });
  const actual = await run({ batch: 1, usePicture: async (_, use) => use(picture) });
  // The same bytes give the same numbers.
  return compare(actual[name]!.data, expected[name]!.data, 0);
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
