/**
 * The families that can be read, and which of them a checkpoint is of.
 */
import { ViTError } from '../../error.ts';
import type { Family } from './family.ts';
import { huggingFace } from './hugging-face.ts';
import { huggingFaceBeit } from './hugging-face-beit.ts';
import { huggingFaceClip, huggingFaceClipClassifier, huggingFaceSiglip } from './hugging-face-clip.ts';
import { huggingFaceDinov2, huggingFaceDinov2Registers } from './hugging-face-dinov2.ts';
import { prefixOf } from './map-tensors.ts';
import { timm } from './timm.ts';
import { torchEncoder } from './torch-encoder.ts';
import { torchvision } from './torchvision.ts';

/** Where a signature fits several families, the first one is meant. */
export const FAMILIES: Family[] = [
  timm,
  huggingFaceBeit,
  huggingFaceDinov2Registers,
  huggingFaceDinov2,
  huggingFace,
  huggingFaceClipClassifier,
  huggingFaceClip,
  huggingFaceSiglip,
  torchvision,
  torchEncoder,
];

/** What `--layout` may be, besides `auto`. */
export const LAYOUTS = [...new Set(FAMILIES.map(({ layout }) => layout))];

/**
 * @param layout of `LAYOUTS`, or `auto` to tell it from the names.
 * @throws ViTError `bad-input` for a layout that is not one, `unsupported-model` when the names fit none.
 */
export function familyOf(names: Iterable<string>, layout = 'auto'): Family {
  const candidates = layout === 'auto' ? FAMILIES : FAMILIES.filter((candidate) => candidate.layout === layout);
  if (candidates.length === 0) {
    throw new ViTError('bad-input', `There is no layout ${layout}. Give --layout auto, ${LAYOUTS.join(' or ')}.`);
  }
  const list = [...names];
  const family = candidates.find((candidate) => prefixOf(candidate, list) !== undefined);
  if (family) return family;
  // Its plainest family then says which tensors are missing.
  if (layout !== 'auto') return candidates.find(({ title }) => title.endsWith('ViT')) ?? candidates[0];
  const examples = list.slice(0, 5).join(', ');
  const titles = FAMILIES.map(({ title }) => title).join(', ');
  throw new ViTError(
    'unsupported-model',
    `These tensor names are of no layout that this version reads (${titles}): ${examples}${list.length > 5 ? ', …' : ''}`,
  );
}
