/**
 * What timm's name of a model says that no tensor shows: `vit_base_patch16_clip_quickgelu_224` is made of words, and each
 * is either known here or the name is refused. A new kind of model is a new word, or a new line of `FAMILIES`.
 */
import { ViTError } from '../../error.ts';
import type { Pooling, PositionResampling } from '../../model/architecture.ts';
import type { Activation, NormOrder } from '../../model/layers.ts';
import { DINOV3, type RotaryFacts } from '../rotary-facts.ts';
import type { Dimensions } from '../tensor-dimensions.ts';
import type { TimmClass } from './timm-keys.ts';

/** What a name says. */
export interface NameFacts {
  /** `VisionTransformer`, where nothing else is said. */
  model?: TimmClass;
  epsilon?: number;
  activation?: Activation;
  /** Under a name with several entries, as OpenAI's weights have theirs: only the tag decides. */
  activationByTag?: true;
  pooling?: Pooling;
  normOrder?: NormOrder;
  rotary?: RotaryFacts;
  poolingHeads?: number;
  /** That an MLP with gates has SiLU there. */
  gated?: true;
  /** That there is no final norm. */
  finalNorm?: 'none';
  positionResampling?: PositionResampling;
  /** Of heads; by width, where models differ. */
  headSize?: number | Record<number, number>;
  /** What the tensors of such a model have: what is missing, otherwise. */
  needs?: [what: string, has: (dimensions: Dimensions) => boolean];
}

/** Heads by the size in a name; the width shows whether the name means this size. */
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

/** timm's usual rotary positions. */
export const COUNTED: RotaryFacts = {
  pairs: 'neighbours',
  positions: 'counted',
  bands: { base: 10_000, turns: 1, first: 'row' },
};

/** EVA-02, and RoPE-ViTs with registers: its grid in pretraining is 16x16 at every size. */
const EVA: RotaryFacts = { ...COUNTED, grid: [16, 16] };

/** RoPE-ViT: positions go on counting at other sizes. */
const ROPE_VIT: RotaryFacts = {
  pairs: 'neighbours',
  positions: 'counted',
  bands: { base: 100, turns: 1, first: 'column' },
};

const PERCEPTION: RotaryFacts = {
  pairs: 'neighbours',
  positions: 'counted',
  offset: 'class-token',
  grid: 'own',
  bands: { base: 10_000, turns: 1, first: 'column' },
};

/** Sizes whose heads are asked for where `model_args` do not say. */
const OTHER_SIZES = ['xsmall', 'wee', 'little', 'mediumd', 'betwixt', 'giantopt', 'enormous', '7b', '1b', '3b'];

/** timm's vision_transformer.py. Sizes, patches and pixels are in the tensors. */
const VIT_WORDS: Record<string, NameFacts> = {
  clip: { epsilon: 1e-5, activationByTag: true, needs: ['a norm before the blocks', (d) => d.normBeforeBlocks] },
  quickgelu: { activation: 'quick_gelu' },
  siglip: { activation: 'gelu', pooling: 'attention', needs: ['no class token', (d) => !d.classToken] },
  gap: { activation: 'gelu', pooling: 'patches' },
  map: { activation: 'gelu', pooling: 'attention' },
  dinov2: { gated: true, needs: ['layer scale', (d) => d.layerScale] },
  tipsv2: {
    gated: true,
    headSize: { 768: 64, 1024: 64, 1152: 72, 1536: 64 },
    needs: ['layer scale', (d) => d.layerScale],
  },
  miil: { needs: ['no bias of Q, K and V', (d) => !d.qkvBias] },
  plus: {},
  '36x1': { needs: ['layer scale', (d) => d.layerScale] },
  so150m: { headSize: 64 },
  so150m2: { headSize: 64, needs: ['no bias of Q, K and V', (d) => !d.qkvBias] },
  dinov3: {
    model: 'Eva',
    epsilon: 1e-5,
    pooling: 'patches',
    rotary: DINOV3,
    headSize: { 384: 64, 768: 64, 1024: 64, 1280: 64, 4096: 128 },
    needs: ['layer scale', (d) => d.layerScale],
  },
  qkvb: { needs: ['biases of Q and V', (d) => d.qkvBias] },
  rope: { model: 'Eva', rotary: ROPE_VIT, needs: ['layer scale', (d) => d.layerScale] },
  mixed: { rotary: { ...ROPE_VIT, bands: null }, needs: ['frequencies', (d) => d.frequencies !== null] },
  ape: { needs: ['a position embedding', (d) => d.positions !== null] },
  intern300m: { finalNorm: 'none', headSize: 64, needs: ['layer scale', (d) => d.layerScale] },
  mci: { needs: ['convolutions before the projection', (d) => d.stem.length > 0] },
  reg1: { needs: ['a register token', (d) => d.registerTokens === 1] },
  reg4: { needs: ['4 register tokens', (d) => d.registerTokens === 4] },
  reg8: { needs: ['8 register tokens', (d) => d.registerTokens === 8] },
};

/** The first ViTs, whose names say no more than their size. */
export const PLAIN: NameFacts = {
  needs: ['a class token, and no convolutions before the projection', (d) => d.classToken && d.stem.length === 0],
};

const DEIT_WORDS: Record<string, NameFacts> = {
  distilled: { needs: ['a distillation token', (d) => d.distillationToken] },
};

const PERCEPTION_WORDS: Record<string, NameFacts> = {
  core: { pooling: 'attention', poolingHeads: 8, needs: ['attention pooling', (d) => d.pooling === 'attention'] },
  spatial: { pooling: 'patches', finalNorm: 'none' },
  lang: { pooling: 'patches', finalNorm: 'none' },
  tiling: {},
};

/** What all of EVA has: no bias of K. */
const EVA_WORDS: Record<string, NameFacts> = {
  clip: { pooling: 'class', needs: ['a norm of tokens', (d) => d.finalNorm === 'tokens'] },
};

/** The first whose pattern fits; its group is the words behind the family. */
const FAMILIES: { pattern: RegExp; words: Record<string, NameFacts>; facts?: NameFacts }[] = [
  {
    pattern: /^vit_pe_(.+)$/,
    words: PERCEPTION_WORDS,
    facts: {
      model: 'Eva',
      epsilon: 1e-5,
      activation: 'gelu',
      rotary: PERCEPTION,
      headSize: { 192: 64, 384: 64, 768: 64, 1024: 64, 1536: 96 },
      needs: ['a norm before the blocks', (d) => d.normBeforeBlocks],
    },
  },
  { pattern: /^vit_(.+_rope_reg\d+_gap_\d+)$/, words: VIT_WORDS, facts: { model: 'Eva', rotary: EVA, headSize: 64 } },
  { pattern: /^vit_(.+)$/, words: VIT_WORDS },
  {
    pattern: /^aimv2_(.+)$/,
    words: {},
    facts: {
      gated: true,
      epsilon: 1e-5,
      pooling: 'patches',
      headSize: 128,
      needs: ['RMSNorm', (d) => d.norm === 'rms'],
    },
  },
  {
    pattern: /^beit3_(.+)$/,
    words: { indomain: {} },
    facts: { epsilon: 1e-5, needs: ['a norm within attention', (d) => d.attentionNorm] },
  },
  {
    pattern: /^naflexvit_(.+)$/,
    words: { ...VIT_WORDS, siglip: { activation: 'gelu_tanh', pooling: 'attention' } },
    facts: { model: 'NaFlexVit' },
  },
  {
    pattern: /^eva02_(enormous_patch14_clip_\d+)$/,
    words: EVA_WORDS,
    facts: { model: 'Eva', epsilon: 1e-6, normOrder: 'branch', headSize: { 1792: 112 } },
  },
  {
    pattern: /^eva02_(.+)$/,
    words: EVA_WORDS,
    facts: { model: 'Eva', epsilon: 1e-6, rotary: EVA, headSize: 64, needs: ['SwiGLU', (d) => d.mlp === 'swiglu'] },
  },
  { pattern: /^deit_(.+)$/, words: DEIT_WORDS },
  { pattern: /^deit3_(.+)$/, words: {}, facts: { needs: ['layer scale', (d) => d.layerScale] } },
  { pattern: /^flexivit_(.+)$/, words: {} },
  {
    pattern: /^beit(?:v2)?_(.+)$/,
    words: {},
    facts: { model: 'Beit', needs: ['relative position biases', (d) => d.relativePositionBias !== 'none'] },
  },
  // Of MIM.
  { pattern: /^eva_(large_patch14_\d+)$/, words: {}, facts: { model: 'Eva' } },
  { pattern: /^eva_(giant_patch14_.+)$/, words: EVA_WORDS, facts: { model: 'Eva', headSize: { 1408: 88 } } },
];

/** SigLIPs whose entry in timm has the GELU with tanh; those of the other SigLIPs have the exact one. */
const TANH_SIGLIPS =
  /^vit_(base_patch32_siglip_(gap_)?256|large_patch16_siglip_(gap_)?512|so400m_patch16_siglip|giantopt_patch\d+_siglip)/;

/** A word of a size, a patch or a number of pixels, or of what it was trained on. */
const MEASURE = /^(patch\d+|\d+|in22k|in22ft22k|ft|mim)$/;

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
  if (family.words === VIT_WORDS && facts.length === 0) return [PLAIN];
  return [
    ...(TANH_SIGLIPS.test(model) ? [{ activation: 'gelu_tanh' as const }] : []),
    // What is said later in a name is said of what stands before: `clip_quickgelu`, `siglip_gap`.
    ...(family.facts && family.words === VIT_WORDS ? [family.facts] : []),
    ...facts.reverse(),
    ...(family.facts && family.words !== VIT_WORDS ? [family.facts] : []),
  ];
}

/** @param width of the tensors: a name that is of another size says nothing */
export function headsByName(name: string, told: NameFacts[], width: number): number | undefined {
  const headSize = told.find((facts) => facts.headSize)?.headSize;
  const known = typeof headSize === 'object' ? headSize[width] : headSize;
  if (headSize !== undefined) return known && width % known === 0 && width >= 192 ? width / known : undefined;
  const size = name.split('_').find((word) => Object.hasOwn(SIZES, word));
  return size !== undefined && SIZES[size].width === width ? SIZES[size].heads : undefined;
}
