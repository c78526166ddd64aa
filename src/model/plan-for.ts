import type { Architecture } from './architecture.ts';
import { extrasFor, type OutputName } from './outputs.ts';
import { type Plan, planViT } from './plan.ts';
import { planText } from './plan-text.ts';

/** The plan of one of a model's towers that gives `outputs`. @param blocks of which attention is; default all */
export function planFor(
  architecture: Architecture,
  items: 'images' | 'texts',
  { outputs, blocks }: { outputs: readonly OutputName[]; blocks?: readonly number[] },
): Plan {
  if (items === 'texts') return planText(architecture, architecture.text!);
  return planViT(architecture, extrasFor(outputs, architecture.depth, blocks));
}
