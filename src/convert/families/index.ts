/**
 * The families that can be read, and which of them a checkpoint is of.
 */
import { ViTError } from '../../error.ts';
import { question } from '../decisions.ts';
import { aimv2, aimv2Native, huggingFaceAimv2 } from './aimv2.ts';
import { dino, dinov2, dinov2Classifier, dinov2Registers, dinov2RegistersClassifier, tips } from './dino.ts';
import { dinov3, huggingFaceDinov3, huggingFaceDinov3Gated } from './dinov3.ts';
import type { Family } from './family.ts';
import { huggingFace, huggingFaceIjepa } from './hugging-face.ts';
import { huggingFaceBeit } from './hugging-face-beit.ts';
import {
  huggingFaceClip,
  huggingFaceClipClassifier,
  huggingFaceSiglip,
  huggingFaceSiglip2,
  huggingFaceSiglipClassifier,
} from './hugging-face-clip.ts';
import { huggingFaceDinov2, huggingFaceDinov2Registers } from './hugging-face-dinov2.ts';
import { jax, jaxSincos } from './jax.ts';
import { prefixOf } from './map-tensors.ts';
import { openAiClip, openClip, openClipImage, openClipTimm } from './openai-clip.ts';
import { perception, perceptionClip, perceptionTokens } from './perception.ts';
import { timm, timmBeit, timmEva, timmNaflex, timmPerception, timmStem } from './timm.ts';
import { torchEncoder } from './torch-encoder.ts';
import { torchvision } from './torchvision.ts';
import { simpleVit, vitPytorch, vitPytorchPlain } from './vit-pytorch.ts';
import { vit5 } from './vit5.ts';

/** Where a signature fits several families, the first one is meant. */
export const FAMILIES: Family[] = [
  dinov3,
  dinov2RegistersClassifier,
  dinov2Classifier,
  dinov2Registers,
  tips,
  dinov2,
  dino,
  vit5,
  timmBeit,
  timmStem,
  timmNaflex,
  timmEva,
  timmPerception,
  timm,
  aimv2,
  aimv2Native,
  huggingFaceAimv2,
  huggingFaceDinov3Gated,
  huggingFaceDinov3,
  huggingFaceBeit,
  huggingFaceDinov2Registers,
  huggingFaceDinov2,
  huggingFace,
  huggingFaceIjepa,
  huggingFaceClipClassifier,
  huggingFaceClip,
  huggingFaceSiglipClassifier,
  huggingFaceSiglip2,
  huggingFaceSiglip,
  torchvision,
  ...openClipTimm,
  perceptionClip,
  openAiClip,
  openClip,
  perception,
  openClipImage,
  perceptionTokens,
  simpleVit,
  vitPytorch,
  vitPytorchPlain,
  jaxSincos,
  jax,
  torchEncoder,
];

/** With the rules that depend on the size of a patch; where that is not known, as if patches were single pixels. */
export function forPatches(family: Family, patchSize: [number, number] = [1, 1]): Family {
  return family.patchRules ? { ...family, rules: [...family.rules, ...family.patchRules(patchSize)] } : family;
}

/** What a layout may be, besides `auto`. */
export const LAYOUTS = [...new Set([timm, huggingFace, ...FAMILIES].map(({ layout }) => layout))];

/** What decides beside the names of the tensors. */
interface Hints {
  /** Of `LAYOUTS`, or `auto` to find it out from the names. */
  layout?: string;
  /** What stood before the names. */
  within?: string;
  /** A class of transformers. */
  modelClass?: string;
}

/**
 * @throws ViTError `bad-input` for a layout that is not one, `unsupported-model` when the names fit none, and for a class
 *   of transformers that no family is of.
 */
export function familyOf(names: Iterable<string>, { layout = 'auto', within = '', modelClass }: Hints = {}): Family {
  const ofLayout = FAMILIES.filter((candidate) =>
    layout === 'auto' ? (candidate.within?.test(within) ?? true) : candidate.layout === layout,
  );
  if (ofLayout.length === 0) {
    throw new ViTError('bad-input', `There is no layout ${layout}; there are auto, ${LAYOUTS.join(', ')}.`);
  }
  const candidates = modelClass === undefined ? ofLayout : ofLayout.filter((family) => isOfClass(family, modelClass));
  if (candidates.length === 0) throw unknownClass(modelClass!, ofLayout);
  const list = [...names];
  const family = candidates.find((candidate) => prefixOf(candidate, list) !== undefined);
  if (family) return family;
  // Its plainest family then says which tensors are missing.
  if (layout !== 'auto' || modelClass !== undefined)
    return candidates.find(({ title }) => title.endsWith('ViT')) ?? candidates[0];
  const examples = list.slice(0, 5).join(', ');
  const titles = FAMILIES.map(({ title }) => title).join(', ');
  throw new ViTError(
    'unsupported-model',
    `These tensor names are of no layout that this version reads (${titles}): ${examples}${list.length > 5 ? ', …' : ''}`,
  );
}

function isOfClass({ models }: Family, modelClass: string): boolean {
  return models !== undefined && Object.hasOwn(models, modelClass);
}

function unknownClass(modelClass: string, families: Family[]): ViTError {
  const classes = families.flatMap(({ models = {} }) => Object.keys(models));
  // `ViTForMaskedImageModeling` -> `ViTModel`, whose tensors it has.
  const [stem] = modelClass.split(/For[A-Z]|Model|Backbone/, 1);
  const kin = classes.filter((known) => known.startsWith(`${stem}Model`) || known.startsWith(`${stem}For`));
  return question(
    'modelClass',
    `config.json has architectures ${modelClass}, a class that this version does not run; it runs ${(kin.length > 0 ? kin : classes).join(', ')}.`,
    kin.length > 0 ? kin : classes,
  );
}
