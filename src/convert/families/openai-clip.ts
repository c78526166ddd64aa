/**
 * OpenAI's CLIP with a ViT (openai/CLIP, clip/model.py), image and text tower, and open_clip's files, whose names are the
 * same. Projections are matrices that features are multiplied with from the left: `[in, out]`.
 *
 * open_clip has models with other activations and head sizes. What OpenAI publishes differs from it by three numbers that
 * its TorchScript archives hold.
 */
import { fact } from '../fact.ts';
import type { Family, Questions, Rule } from './family.ts';
import { timm, timmEva, timmPerception, timmStem } from './timm.ts';
import { asTokens, renamed, transposed } from './transforms.ts';

/** The blocks of either tower. */
function blocks(to: string, from: string): Rule[] {
  return [
    renamed(`${to}.#.norm1.*`, `${from}.#.ln_1.*`),
    renamed(`${to}.#.attn.qkv.weight`, `${from}.#.attn.in_proj_weight`),
    renamed(`${to}.#.attn.qkv.bias`, `${from}.#.attn.in_proj_bias`),
    renamed(`${to}.#.attn.proj.*`, `${from}.#.attn.out_proj.*`),
    renamed(`${to}.#.norm2.*`, `${from}.#.ln_2.*`),
    renamed(`${to}.#.mlp.fc1.*`, `${from}.#.mlp.c_fc.*`),
    renamed(`${to}.#.mlp.fc2.*`, `${from}.#.mlp.c_proj.*`),
  ];
}

/**
 * @param module with its dot
 * @param norm `norm` of all tokens, `fc_norm` of the class token alone
 */
export function image(module: string, norm: 'norm' | 'fc_norm' = 'norm'): Rule[] {
  return [
    asTokens('cls_token', `${module}class_embedding`),
    asTokens('pos_embed', `${module}positional_embedding`),
    renamed('patch_embed.proj.*', `${module}conv1.*`),
    renamed('norm_pre.*', `${module}ln_pre.*`),
    ...blocks('blocks', `${module}transformer.resblocks`),
    renamed('blocks.#.ls1.gamma', `${module}transformer.resblocks.#.ls_1.gamma`),
    renamed('blocks.#.ls2.gamma', `${module}transformer.resblocks.#.ls_2.gamma`),
    renamed(`${norm}.*`, `${module}ln_post.*`),
    transposed('projection.weight', `${module}proj`),
  ];
}

/** @param module with its dot */
export function text(module: string): Rule[] {
  return [
    renamed('text.token_embed.weight', `${module}token_embedding.weight`),
    renamed('text.pos_embed', `${module}positional_embedding`),
    ...blocks('text.blocks', `${module}transformer.resblocks`),
    renamed('text.norm.*', `${module}ln_final.*`),
    transposed('text.projection.weight', `${module}text_projection`),
  ];
}

const BESIDE: Rule[] = [
  ...text(''),
  ...text('text.'),
  renamed('logit_scale', 'logit_scale'),
  renamed('logit_bias', 'logit_bias'),
];

const ASK: Questions = {
  activation: {
    name: 'activation',
    why:
      "The activation of the MLPs is in no tensor: quick_gelu of OpenAI's weights and those trained with it, gelu of " +
      "most of open_clip's.",
    choices: ['quick_gelu', 'gelu'],
  },
};

export const openClip: Family = {
  layout: 'openai-clip',
  title: 'ViT of open_clip',
  prefixes: [''],
  signature: [
    'visual.class_embedding',
    'visual.conv1.weight',
    // Models of open_clip without it pool in other ways, which no tensor shows.
    'visual.ln_pre.weight',
    'visual.transformer.resblocks.#.attn.in_proj_weight',
  ],
  rules: [...image('visual.'), ...BESIDE],
  unsupported: {},
  ignored: {
    attn_mask: 'a text token attends to those before it',
    'text.attn_mask': 'a text token attends to those before it',
    input_resolution: 'it follows from the position embedding',
    context_length: 'it follows from the position embedding',
    vocab_size: 'it follows from the token embedding',
  },
  conventions: { epsilon: 1e-5, normOrder: 'first', pooling: 'class', positionResampling: 'bicubic' },
  exceptions: () => ASK,
  text: { epsilon: 1e-5, causal: true, pooling: 'highest-id', padding: 0 },
};

export const openAiClip: Family = {
  ...openClip,
  title: 'CLIP of OpenAI',
  signature: [...openClip.signature, 'input_resolution', 'context_length', 'vocab_size'],
  rules: [...image('visual.', 'fc_norm'), ...BESIDE],
  conventions: { ...openClip.conventions, activation: 'quick_gelu', headSize: 64 },
  exceptions: undefined,
  // clip/clip.py: the shorter edge to the size of the model, the middle cut out.
  preprocess([height, width]) {
    const why = "OpenAI's own transform";
    return {
      resize: fact({ mode: 'shortest-edge', size: height, rounding: 'trunc' }, why),
      filter: fact('bicubic', why),
      crop: fact({ height, width, rounding: 'half-even' }, why),
      mean: fact([0.48145466, 0.4578275, 0.40821073], why),
      std: fact([0.26862954, 0.26130258, 0.27577711], why),
    };
  },
};

/** `model.visual` alone. */
export const openClipImage: Family = {
  ...openClip,
  title: 'image tower of open_clip',
  signature: [
    'class_embedding',
    'conv1.weight',
    'ln_pre.weight',
    'ln_post.weight',
    'transformer.resblocks.#.attn.in_proj_weight',
  ],
  rules: image(''),
  text: undefined,
};

/** A tower of timm beside open_clip's text tower. What is its head there is the projection here. */
function withTexts(trunk: Family): Family {
  return {
    ...trunk,
    layout: 'open_clip',
    title: `${trunk.title} in open_clip`,
    prefixes: ['visual.trunk.'],
    signature: [...trunk.signature, 'text.token_embedding.weight'],
    rules: [
      ...trunk.rules.filter(({ to }) => to !== 'head.*'),
      renamed('projection.*', 'head.*'),
      ...text('text.'),
      renamed('text.projection.*', 'text.text_projection.*'),
      renamed('logit_scale', 'logit_scale'),
      renamed('logit_bias', 'logit_bias'),
    ],
    ignored: { ...trunk.ignored, 'text.attn_mask': 'a text token attends to those before it' },
    needsConfig: {
      name: 'config',
      why: 'What towers of timm and of texts there are in open_clip is in no tensor: open_clip_config.json says it.',
    },
    exceptions: undefined,
    text: undefined,
  };
}

export const openClipTimm = [timmStem, timmEva, timmPerception, timm].map(withTexts);
