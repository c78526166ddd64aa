/**
 * The golden of a manifest: what the CPU reference makes of the tensors as they are stored.
 */
import { ViTError } from '../error.ts';
import type { Architecture } from '../model/architecture.ts';
import { fieldsOf } from '../model/cost.ts';
import { goldenOutput, goldenPixels } from '../model/golden.ts';
import { type Plan, planViT } from '../model/plan.ts';
import { tensorShapes } from '../model/tensors.ts';
import { type ReferenceInputs, type ReferenceValues, runReference, runReferenceStreamed } from '../reference/run.ts';
import type { Golden } from '../weights/manifest.ts';

const SEED = 1;

/** @throws ViTError `numeric` when the model gives NaN or infinity. */
export function computeGolden(architecture: Architecture, tensors: ReadonlyMap<string, Float32Array>): Golden {
  const plan = planViT(architecture);
  return goldenOf(
    plan,
    runReference(plan, (name) => tensors.get(name)!, inputsOf(architecture), 1),
  );
}

/**
 * The same for a model of any size: the tensors of one step are in memory at a time.
 * @param load gives a tensor as it is stored
 */
export async function streamGolden(
  architecture: Architecture,
  load: (name: string) => Promise<Float32Array>,
): Promise<Golden> {
  const plan = planViT(architecture);
  const shapes = tensorShapes(architecture);
  const values = await runReferenceStreamed(
    plan,
    async (step) => {
      const tensors = new Map<string, Float32Array>();
      for (const name of new Set(fieldsOf(step))) if (shapes.has(name)) tensors.set(name, await load(name));
      return (name) => tensors.get(name)!;
    },
    inputsOf(architecture),
    1,
  );
  return goldenOf(plan, values);
}

function inputsOf({ channels, imageSize }: Architecture): ReferenceInputs {
  return { pixels: goldenPixels(SEED, [1, channels, ...imageSize]) };
}

function goldenOf({ architecture, outputs }: Plan, values: ReferenceValues): Golden {
  const name = goldenOutput(architecture);
  // Each of these is a single value. Rounded to f32, so that the last bits of another machine's exp do not show.
  const output = Array.from(values[outputs[name]!.values[0]], Math.fround);
  if (!output.every(Number.isFinite)) {
    throw new ViTError(
      'numeric',
      'The converted model gives NaN or infinity; its checkpoint or its dtype is at fault.',
    );
  }
  if (name === 'logits') return { seed: SEED, logits: output };
  return { seed: SEED, logits: [], embedding: name === 'tokens' ? output.slice(0, architecture.width) : output };
}
