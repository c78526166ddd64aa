/**
 * The families that can be read, and which of them a checkpoint is of.
 */
import { ViTError } from '../../error.ts';
import { dino, dinov2, dinov2Classifier, dinov2Registers, dinov2RegistersClassifier } from './dino.ts';
import type { Family } from './family.ts';
import { huggingFace } from './hugging-face.ts';
import { huggingFaceBeit } from './hugging-face-beit.ts';
import { huggingFaceClip, huggingFaceClipClassifier, huggingFaceSiglip } from './hugging-face-clip.ts';
import { huggingFaceDinov2, huggingFaceDinov2Registers } from './hugging-face-dinov2.ts';
import { jax } from './jax.ts';
import { prefixOf } from './map-tensors.ts';
import { openAiClip, openClip, openClipImage } from './openai-clip.ts';
import { timm } from './timm.ts';
import { torchEncoder } from './torch-encoder.ts';
import { torchvision } from './torchvision.ts';
import { vitPytorch, vitPytorchPlain } from './vit-pytorch.ts';

/** Where a signature fits several families, the first one is meant. */
export const FAMILIES: Family[] = [
  dinov2RegistersClassifier,
  dinov2Classifier,
  dinov2Registers,
  dinov2,
  dino,
  timm,
  huggingFaceBeit,
  huggingFaceDinov2Registers,
  huggingFaceDinov2,
  huggingFace,
  huggingFaceClipClassifier,
  huggingFaceClip,
  huggingFaceSiglip,
  torchvision,
  openAiClip,
  openClip,
  openClipImage,
  vitPytorch,
  vitPytorchPlain,
  jax,
  torchEncoder,
];

/** With the rules that depend on the size of a patch; where that is not known, as if patches were single pixels. */
export function forPatches(family: Family, patchSize: [number, number] = [1, 1]): Family {
  return family.patchRules ? { ...family, rules: [...family.rules, ...family.patchRules(patchSize)] } : family;
}

/** What `--layout` may be, besides `auto`. */
export const LAYOUTS = [...new Set([timm, huggingFace, ...FAMILIES].map(({ layout }) => layout))];

/**
 * @param layout of `LAYOUTS`, or `auto` to tell it from the names
 * @param within what stood before the names
 * @throws ViTError `bad-input` for a layout that is not one, `unsupported-model` when the names fit none.
 */
export function familyOf(names: Iterable<string>, layout = 'auto', within = ''): Family {
  const candidates = FAMILIES.filter((candidate) =>
    layout === 'auto' ? (candidate.within?.test(within) ?? true) : candidate.layout === layout,
  );
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
