/**
 * The golden of a manifest: what the CPU reference makes of the tensors as they are stored.
 */
import { ViTError } from '../error.ts';
import type { FullArchitecture } from '../model/architecture.ts';
import { fieldsOf } from '../model/cost.ts';
import { goldenIds, goldenOutput, goldenPixels } from '../model/golden.ts';
import type { OutputName } from '../model/outputs.ts';
import { type Plan, planViT } from '../model/plan.ts';
import { planText } from '../model/plan-text.ts';
import { tensorShapes } from '../model/tensors.ts';
import type { TextArchitecture } from '../model/text.ts';
import { prepareTexts } from '../model/token-ids.ts';
import { type ReferenceInputs, runReferenceStreamed } from '../reference/run.ts';
import type { Golden } from '../weights/manifest.ts';

const SEED = 1;

/**
 * The tensors of one step are in memory at a time: a model may be larger than that.
 *
 * @param load gives a tensor as it is stored
 * @param onStep called after each step of the network: steps done, and steps in all
 * @throws ViTError `numeric` when the model gives NaN or infinity.
 */
export async function computeGolden(
  architecture: FullArchitecture,
  load: (name: string) => Promise<Float32Array>,
  onStep: (done: number, total: number) => void = () => {},
): Promise<Golden> {
  const { channels, imageSize, text, width } = architecture;
  const images = planViT(architecture);
  const texts = text ? planText(architecture, text) : null;
  const total = images.steps.length + (texts?.steps.length ?? 0);
  let done = 0;
  const run = async (plan: Plan, name: OutputName, inputs: ReferenceInputs): Promise<number[]> => {
    const shapes = tensorShapes(architecture);
    const values = await runReferenceStreamed(
      plan,
      async (step) => {
        onStep(done++, total);
        const tensors = new Map<string, Float32Array>();
        for (const name of new Set(fieldsOf(step))) if (shapes.has(name)) tensors.set(name, await load(name));
        return (name) => tensors.get(name)!;
      },
      inputs,
      1,
    );
    // Each output is a single value. Rounded to f32, so that the last bits of another machine's exp do not show.
    const output = Array.from(values[plan.outputs[name]!.values[0]], Math.fround);
    if (output.every(Number.isFinite)) return output;
    throw new ViTError(
      'numeric',
      'The converted model gives NaN or infinity; its checkpoint or its dtype is at fault.',
    );
  };

  const name = goldenOutput(architecture);
  const output = await run(images, name, { pixels: goldenPixels(SEED, [1, channels, ...imageSize]) });
  const golden: Golden =
    name === 'logits'
      ? { seed: SEED, logits: output }
      : { seed: SEED, logits: [], embedding: name === 'tokens' ? output.slice(0, width) : output };
  if (texts) golden.text = await goldenText(text!, (inputs) => run(texts, 'embedding', inputs));
  onStep(total, total);
  return golden;
}

async function goldenText(
  text: TextArchitecture,
  run: (inputs: ReferenceInputs) => Promise<number[]>,
): Promise<NonNullable<Golden['text']>> {
  const ids = goldenIds(SEED, text);
  return { ids, embedding: await run({ ...prepareTexts([ids], text) }) };
}
