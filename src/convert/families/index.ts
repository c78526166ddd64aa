/**
 * The families that can be read, and which of them a checkpoint is of.
 */
import { ViTError } from '../../error.ts';
import type { Family } from './family.ts';
import { huggingFace } from './hugging-face.ts';
import { prefixOf } from './map-tensors.ts';
import { timm } from './timm.ts';

export const FAMILIES: Family[] = [timm, huggingFace];

/** What `--layout` may be, besides `auto`. */
export const LAYOUTS = FAMILIES.map(({ layout }) => layout);

/**
 * @param layout of `LAYOUTS`, or `auto` to tell it from the names.
 * @throws ViTError `bad-input` for a layout that is not one, `unsupported-model` when the names fit none.
 */
export function familyOf(names: Iterable<string>, layout = 'auto'): Family {
  if (layout !== 'auto') {
    const family = FAMILIES.find((candidate) => candidate.layout === layout);
    if (!family) {
      throw new ViTError('bad-input', `There is no layout ${layout}. Give --layout auto, ${LAYOUTS.join(' or ')}.`);
    }
    return family;
  }
  const list = [...names];
  const family = FAMILIES.find((candidate) => prefixOf(candidate, list) !== undefined);
  if (family) return family;
  const examples = list.slice(0, 5).join(', ');
  const titles = FAMILIES.map(({ title }) => title).join(', ');
  throw new ViTError(
    'unsupported-model',
    `These tensor names are of no layout that this version reads (${titles}): ${examples}${list.length > 5 ? ', …' : ''}`,
  );
}
