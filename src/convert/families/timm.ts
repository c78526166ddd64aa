/**
 * timm's `VisionTransformer` and what is built on it (timm/models/vision_transformer.py, deit.py, beit.py): DeiT, DeiT-3,
 * DINOv2, CLIP, SigLIP, BEiT. Its names are the canonical ones, but for BEiT's.
 */
import { ACTIVATIONS } from '../../model/layers.ts';
import { TOKEN_POOLINGS } from '../answers.ts';
import type { Dimensions } from '../tensor-dimensions.ts';
import { convolutionStem } from './conv-stem.ts';
import type { Family, Questions } from './family.ts';
import { patchGridRows, patchProjection, renamed, stacked, withoutKey, zeroBias } from './transforms.ts';

const CANONICAL = [
  'cls_token',
  'dist_token',
  'reg_token',
  'pos_embed',
  'rope.freqs',
  'patch_embed.proj.*',
  'patch_embed.norm.*',
  'norm_pre.*',
  'rel_pos_bias.relative_position_bias_table',
  'blocks.#.norm1.*',
  'blocks.#.attn.qkv.*',
  'blocks.#.attn.q_norm.*',
  'blocks.#.attn.k_norm.*',
  'blocks.#.attn.relative_position_bias_table',
  'blocks.#.attn.norm.*',
  'blocks.#.attn.proj.*',
  'blocks.#.ls1.gamma',
  'blocks.#.norm2.*',
  'blocks.#.mlp.fc1.*',
  'blocks.#.mlp.norm.*',
  'blocks.#.mlp.fc2.*',
  'blocks.#.ls2.gamma',
  'norm.*',
  'fc_norm.*',
  'attn_pool.*',
  'pre_logits.fc.*',
  'head.*',
  'head_dist.*',
];

const BY_NAME = "timm's name of the model, as architecture, says it, too.";

export const timm: Family = {
  layout: 'timm',
  title: 'timm ViT',
  prefixes: [''],
  signature: ['patch_embed.proj.weight', 'blocks.#.attn.qkv.weight|blocks.#.attn.q_proj.weight'],
  rules: [
    ...CANONICAL.map((name) => renamed(name, name)),
    renamed('blocks.#.ls1.gamma', 'blocks.#.gamma_1'),
    renamed('blocks.#.ls2.gamma', 'blocks.#.gamma_2'),
    withoutKey('blocks.#.attn.qkv.bias', 'blocks.#.attn.q_bias', 'blocks.#.attn.v_bias'),
    stacked(
      'blocks.#.attn.qkv.weight',
      'blocks.#.attn.q_proj.weight',
      'blocks.#.attn.k_proj.weight',
      'blocks.#.attn.v_proj.weight',
    ),
    withoutKey('blocks.#.attn.qkv.bias', 'blocks.#.attn.q_proj.bias', 'blocks.#.attn.v_proj.bias'),
    stacked('blocks.#.mlp.fc1.*', 'blocks.#.mlp.fc1_g.*', 'blocks.#.mlp.fc1_x.*'),
  ],
  implied: [
    [zeroBias('blocks.#.attn.proj.bias', 'blocks.#.attn.proj.weight')],
    ['fc1', 'fc2'].map((name) => zeroBias(`blocks.#.mlp.${name}.bias`, `blocks.#.mlp.${name}.weight`)),
    [zeroBias('blocks.#.mlp.fc1.bias', 'blocks.#.mlp.fc1_g.weight', 'blocks.#.mlp.fc1_x.weight')],
  ],
  unsupported: {
    'blocks.#.attn.rel_pos_h': 'relative positions by axis, mostly within windows: SAM, ViTDet',
    pos_embed_spatial: 'stages of other widths: Hiera',
  },
  ignored: {
    mask_token: 'only training uses it',
    'blocks.#.attn.relative_position_index': 'it follows from the grid of patches',
    'rel_pos_bias.relative_position_index': 'it follows from the grid of patches',
  },
  conventions: {
    epsilon: 1e-6,
    activation: 'gelu',
    normOrder: 'first',
    positionResampling: 'bicubic-antialias',
    relativeResampling: 'geometric',
    poolingPrefix: false,
  },
  withoutConfig: ({ classToken }) => ({
    epsilon: { name: 'epsilon', why: `The epsilon of the norms is in no tensor: 1e-6 of most. ${BY_NAME}` },
    activation: {
      name: 'activation',
      why: `The activation of the MLPs is in no tensor: gelu of most. ${BY_NAME}`,
      choices: ACTIVATIONS,
    },
    normOrder: {
      name: 'normFirst',
      why: `Whether norms stand before attention and MLP (true, of most) or after them (false) is in no tensor. ${BY_NAME}`,
      choices: ['true', 'false'],
    },
    pooling: {
      name: 'pooling',
      why: `What the head sees is in no tensor: the class token of most that have one, else the mean of the patches. ${BY_NAME}`,
      choices: TOKEN_POOLINGS.filter((pooling) => classToken || pooling !== 'class'),
    },
  }),
  exceptions(dimensions) {
    if (dimensions.normBeforeBlocks) return CLIP;
    const { classToken, mlp, norm, attentionNorm } = dimensions;
    return {
      // A SwiGLU has its own activation.
      ...(classToken || mlp === 'swiglu' ? {} : SIGLIP),
      ...(norm === 'rms' || attentionNorm ? OTHER_EPSILONS : {}),
      ...(maybeDino(dimensions) ? DINO : {}),
    };
  },
};

/** Of the names that `Beit` and `Eva` share, its table is its own. */
export const timmBeit: Family = {
  ...timm,
  title: 'timm BEiT',
  signature: [
    ...timm.signature,
    'blocks.#.attn.relative_position_bias_table|rel_pos_bias.relative_position_bias_table',
  ],
};

/**
 * Names of timm's class `Eva` (EVA, EVA-02, Perception Encoder, RoPE-ViT), and of DeiT-3 as its authors save it. Some of
 * them turn Q and K by their positions, or have their norms elsewhere, and no tensor shows it.
 */
export const timmEva: Family = {
  ...timm,
  title: 'timm EVA',
  signature: [...timm.signature, 'blocks.#.attn.q_bias|blocks.#.gamma_1|blocks.#.mlp.fc1_g.weight'],
  needsConfig: {
    name: 'architecture',
    why:
      "These tensors are those of several models of timm's, of which some have rotary positions or their norms elsewhere, " +
      'and no tensor shows it: EVA, EVA-02, DeiT-3, a Perception Encoder or others.',
  },
};

/** A Perception Encoder, which has not always layer scale. */
export const timmPerception: Family = {
  ...timmEva,
  signature: [...timm.signature, 'norm_pre.weight', 'attn_pool.latent'],
};

/** MobileCLIP-B, whose patches go through convolutions. */
export const timmStem: Family = {
  ...timm,
  title: 'timm ViT with a stem',
  signature: ['patch_embed.backbone.0.conv.weight', 'patch_embed.backbone.2.conv.weight', 'blocks.#.attn.qkv.weight'],
  rules: [
    ...timm.rules,
    ...convolutionStem('patch_embed.backbone.'),
    renamed('patch_embed.proj.bias', 'patch_embed.backbone.2.conv.bias'),
  ],
  ignored: { ...timm.ignored, 'patch_embed.backbone.%.bn.num_batches_tracked': 'only training uses it' },
  exceptions: undefined,
};

/** `NaFlexVit`: patches are vectors in the order row, column, channel. */
export const timmNaflex: Family = {
  ...timm,
  title: 'timm NaFlexViT',
  signature: ['embeds.proj.weight', 'blocks.#.attn.qkv.weight'],
  rules: [
    ...timm.rules.filter(({ to }) => !/^(cls_token|reg_token|pos_embed|patch_embed|norm_pre)/.test(to)),
    renamed('cls_token', 'embeds.cls_token'),
    renamed('reg_token', 'embeds.reg_token'),
    patchGridRows('pos_embed', 'embeds.pos_embed'),
  ],
  patchRules: (patchSize) => [
    patchProjection('embeds.proj.weight', patchSize),
    renamed('patch_embed.proj.bias', 'embeds.proj.bias'),
  ],
};

const CLIP: Questions = {
  epsilon: {
    name: 'epsilon',
    why: 'With norm_pre it is a CLIP, and the epsilon of its norms is in no tensor; all CLIPs of timm have 1e-5.',
  },
  activation: {
    name: 'activation',
    why:
      'With norm_pre it is a CLIP, and the activation of its MLPs is in no tensor: quick_gelu of those with the weights ' +
      'of OpenAI, gelu of most others.',
    choices: ['quick_gelu', 'gelu'],
  },
};

const SIGLIP: Questions = {
  activation: {
    name: 'activation',
    why: 'Without a class token it may be a SigLIP, and the activation of its MLPs is in no tensor.',
    choices: ['gelu', 'gelu_tanh'],
  },
};

const OTHER_EPSILONS: Questions = {
  epsilon: {
    name: 'epsilon',
    why: 'The epsilon of the norms is in no tensor: 1e-5 of AIMv2 and BEiT-3, 1e-6 of most others.',
  },
};

const DINO: Questions = {
  positionResampling: {
    name: 'layout',
    why:
      "These names are timm's and those of DINO's own files, which resample positions differently for other image " +
      'sizes.',
    choices: ['timm', 'dino'],
  },
};

/** DINO's models have no head and nothing that a plain ViT has not. */
function maybeDino(dimensions: Dimensions): boolean {
  const { classes, classToken, distillationToken, registerTokens, patchNorm, finalNorm, positions } = dimensions;
  return (
    classes === 0 &&
    classToken &&
    !distillationToken &&
    registerTokens === 0 &&
    !patchNorm &&
    dimensions.representation === 0 &&
    dimensions.relativePositionBias === 'none' &&
    finalNorm === 'tokens' &&
    positions !== null
  );
}
