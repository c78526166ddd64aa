/**
 * The text tower of a CLIP or SigLIP: most pages never ask for it, so it comes with the first text.
 */
import { ViTError } from '../error.ts';
import { planText } from '../model/plan-text.ts';
import { prepareTexts } from '../model/token-ids.ts';
import type { Manifest } from '../weights/manifest.ts';
import { isOfTexts, type Tower } from './check/tower.ts';

export { prepareTexts } from '../model/token-ids.ts';

/** @throws ViTError `bad-manifest` for a golden that is no text of this model */
export function textTower({ name, architecture, golden }: Manifest): Tower {
  const text = architecture.text!;
  const { ids, embedding } = golden.text!;
  const prepared = () => {
    try {
      return prepareTexts([ids], text);
    } catch (cause) {
      throw new ViTError('bad-manifest', `${name}: golden.text.ids are no text of this model.`, { cause });
    }
  };
  return {
    planWith: (extras) => planText(architecture, text, extras),
    has: isOfTexts,
    golden: () => ({ input: { batch: 1, ...prepared() }, output: 'embedding', expected: embedding }),
  };
}
