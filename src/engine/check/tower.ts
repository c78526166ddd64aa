/**
 * One of a model's networks, which is loaded and proven by itself: that of images or, once words are asked for, that of texts
 * (`engine/texts.ts`, an annex).
 */
import type { Input } from '../../backend.ts';
import { goldenOutput, goldenPixels } from '../../model/golden.ts';
import type { Extras, OutputName } from '../../model/outputs.ts';
import { type Plan, planViT } from '../../model/plan.ts';
import { goldenValues, type LoadedManifest } from '../../weights/manifest.ts';
import type { AnnexSteps } from '../run/program.ts';

export interface Tower {
  /** @param extras what an ordinary run does not compute, or otherwise */
  planWith(extras?: Extras): Plan;
  /** Steps of its own, with their kernels. */
  readonly steps?: Partial<AnnexSteps>;
  /** Whether a tensor is one of its own. */
  has(tensor: string): boolean;
  /** What the converter computed. Null where the manifest's is of another network: at another image size. */
  golden(): Replay | null;
}

/** An input, and what an output must be of it. */
export interface Replay {
  input: Input;
  output: OutputName;
  expected: ArrayLike<number>;
}

/** @param manifest at the image size that was asked for, without a golden if that is another one */
export function imageTower({ architecture, golden }: LoadedManifest): Tower {
  const { channels, imageSize } = architecture;
  return {
    planWith: (extras) => planViT(architecture, extras),
    has: (tensor) => !tensor.startsWith(TEXT),
    golden: () =>
      golden
        ? {
            input: { batch: 1, pixels: goldenPixels(golden.seed, [1, channels, ...imageSize]) },
            output: goldenOutput(architecture),
            expected: goldenValues(golden),
          }
        : null,
  };
}

/** Before the names of a text tower's tensors. */
export const TEXT = 'text.';
