/**
 * The golden of a manifest: what the CPU reference makes of the tensors as they are stored.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import { goldenPixels } from '../model/golden.ts';
import { planViT } from '../model/plan.ts';
import { runReference } from '../reference/run.ts';
import type { Golden } from '../weights/manifest.ts';

const SEED = 1;

/** @throws ViTError `numeric` when the model gives NaN or infinity. */
export function computeGolden(architecture: Architecture, tensors: ReadonlyMap<string, Float32Array>): Golden {
  const { channels, imageSize } = architecture;
  const pixels = goldenPixels(SEED, [1, channels, ...imageSize]);
  const { logits } = runReference(planViT(architecture), (name) => tensors.get(name)!, pixels, 1);
  if (!logits.every(Number.isFinite)) {
    throw new ViTError(
      'numeric',
      'The converted model gives NaN or infinity; its checkpoint or its dtype is at fault.',
    );
  }
  return { seed: SEED, logits: [...logits] };
}
