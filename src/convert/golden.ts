/**
 * The golden of a manifest: what the CPU reference makes of the tensors as they are stored.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import { goldenOutput, goldenPixels } from '../model/golden.ts';
import { planViT } from '../model/plan.ts';
import { runReference } from '../reference/run.ts';
import type { Golden } from '../weights/manifest.ts';

const SEED = 1;

/** @throws ViTError `numeric` when the model gives NaN or infinity. */
export function computeGolden(architecture: Architecture, tensors: ReadonlyMap<string, Float32Array>): Golden {
  const { channels, imageSize } = architecture;
  const pixels = goldenPixels(SEED, [1, channels, ...imageSize]);
  const plan = planViT(architecture);
  const values = runReference(plan, (name) => tensors.get(name)!, { pixels }, 1);
  const name = goldenOutput(architecture);
  // Each of these is a single value, in float64.
  const output = [...values[plan.outputs[name]!.values[0]]];
  if (!output.every(Number.isFinite)) {
    throw new ViTError(
      'numeric',
      'The converted model gives NaN or infinity; its checkpoint or its dtype is at fault.',
    );
  }
  if (name === 'logits') return { seed: SEED, logits: output };
  return { seed: SEED, logits: [], embedding: name === 'tokens' ? output.slice(0, architecture.width) : output };
}
