/**
 * What timm's name of a model says that no tensor shows: `vit_base_patch16_clip_quickgelu_224` is made of words, and each
 * is either known here or the name is refused. A new kind of model is a new word, or a new line of `FAMILIES`.
 */
import { ViTError } from '../../error.ts';
import type { Activation, Pooling } from '../../model/architecture.ts';
import type { Dimensions } from '../dimensions.ts';

/** What a name says. */
export interface NameFacts {
  epsilon?: number;
  activation?: Activation;
  /** Under a name with several entries, as OpenAI's weights have theirs: only the tag tells. */
  activationByTag?: true;
  pooling?: Pooling;
  /** What the tensors of such a model have: what is missing, otherwise. */
  needs?: [what: string, has: (dimensions: Dimensions) => boolean];
}

/** Heads by the size in a name; the width tells whether the name means this size. */
const SIZES: Record<string, { width: number; heads: number }> = {
  tiny: { width: 192, heads: 3 },
  small: { width: 384, heads: 6 },
  medium: { width: 512, heads: 8 },
  base: { width: 768, heads: 12 },
  large: { width: 1024, heads: 16 },
  so400m: { width: 1152, heads: 16 },
  huge: { width: 1280, heads: 16 },
  giant: { width: 1408, heads: 16 },
  gigantic: { width: 1664, heads: 16 },
};

/** Sizes whose heads are asked for where `model_args` do not say. */
const OTHER_SIZES = ['xsmall', 'wee', 'little', 'mediumd', 'betwixt', 'giantopt', 'so150m', 'so150m2'];

/** timm's vision_transformer.py. Sizes, patches and pixels are in the tensors. */
const VIT_WORDS: Record<string, NameFacts> = {
  clip: { epsilon: 1e-5, activationByTag: true, needs: ['a norm before the blocks', (d) => d.normBeforeBlocks] },
  quickgelu: { activation: 'quick_gelu' },
  siglip: { activation: 'gelu', pooling: 'attention', needs: ['no class token', (d) => !d.classToken] },
  gap: { activation: 'gelu', pooling: 'patches' },
  map: { activation: 'gelu', pooling: 'attention' },
  dinov2: { needs: ['layer scale', (d) => d.layerScale] },
  miil: { needs: ['no bias of Q, K and V', (d) => !d.qkvBias] },
  plus: {},
  '36x1': { needs: ['layer scale', (d) => d.layerScale] },
  reg1: { needs: ['a register token', (d) => d.registerTokens === 1] },
  reg4: { needs: ['4 register tokens', (d) => d.registerTokens === 4] },
  reg8: { needs: ['8 register tokens', (d) => d.registerTokens === 8] },
};

const DEIT_WORDS: Record<string, NameFacts> = {
  distilled: { needs: ['a distillation token', (d) => d.distillationToken] },
};

/** The first whose pattern fits; its group is the words behind the family. */
const FAMILIES: { pattern: RegExp; words: Record<string, NameFacts>; facts?: NameFacts }[] = [
  { pattern: /^vit_(.+)$/, words: VIT_WORDS },
  { pattern: /^deit_(.+)$/, words: DEIT_WORDS },
  { pattern: /^deit3_(.+)$/, words: {}, facts: { needs: ['layer scale', (d) => d.layerScale] } },
  { pattern: /^flexivit_(.+)$/, words: {} },
  {
    pattern: /^beit(?:v2)?_(.+)$/,
    words: {},
    facts: { needs: ['relative position biases', (d) => d.relativePositionBias !== 'none'] },
  },
  // Of MIM; those of EVA-02 have rotary positions.
  { pattern: /^eva_(large_patch14_\d+)$/, words: {} },
  { pattern: /^eva_(giant_patch14_(?:clip_)?\d+)$/, words: { clip: {} } },
];

/** SigLIPs whose entry in timm has the GELU with tanh; those of the other SigLIPs have the exact one. */
const TANH_SIGLIPS =
  /^vit_(base_patch32_siglip_(gap_)?256|large_patch16_siglip_(gap_)?512|so400m_patch16_siglip|giantopt_patch\d+_siglip)/;

/** A word of a size, a patch or a number of pixels. */
const MEASURE = /^(patch\d+|\d+)$/;

/**
 * @param name with its tag, if any: `vit_base_patch16_224.augreg_in21k`
 * @throws ViTError `unsupported-model` for a name that is not known as a whole
 */
export function readTimmName(name: string, file: string): NameFacts[] {
  const [model] = name.split('.', 1);
  const family = FAMILIES.find(({ pattern }) => pattern.test(model));
  const words = family?.pattern.exec(model)?.[1].split('_') ?? [];
  const isSize = (word: string) => Object.hasOwn(SIZES, word) || OTHER_SIZES.includes(word);
  const strange = words.filter((word) => !MEASURE.test(word) && !isSize(word) && !Object.hasOwn(family!.words, word));
  if (!family || strange.length > 0) {
    const what = family ? `"${strange.join('_')}" in that name may change` : 'That model may compute';
    throw new ViTError(
      'unsupported-model',
      `${file} is of timm's ${model}, which this version does not know. ${what} what no tensor shows.`,
    );
  }
  const facts = words.filter((word) => Object.hasOwn(family.words, word)).map((word) => family.words[word]);
  return [
    ...(TANH_SIGLIPS.test(model) ? [{ activation: 'gelu_tanh' as const }] : []),
    ...(family.facts ? [family.facts] : []),
    // What is said later in a name is said of what stands before: `clip_quickgelu`, `siglip_gap`.
    ...facts.reverse(),
  ];
}

/** @param width of the tensors: a name that is of another size says nothing */
export function headsByName(name: string, width: number): number | undefined {
  const size = name.split('_').find((word) => Object.hasOwn(SIZES, word));
  return size !== undefined && SIZES[size].width === width ? SIZES[size].heads : undefined;
}
