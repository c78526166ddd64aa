/**
 * AIMv2: the authors' files (apple/ml-aim) and Hugging Face's (transformers/models/aimv2/modeling_aimv2.py). RMSNorm and SwiGLU
 * throughout, and no biases but those of the patches. `native` models compute their positions.
 */
import type { Family, Rule } from './family.ts';
import { asTokens, renamed, stacked, zeroBias } from './transforms.ts';

const CONVENTIONS: Family['conventions'] = {
  epsilon: 1e-5,
  // Of a SwiGLU, which has its own.
  activation: 'gelu',
  normOrder: 'first',
  positionResampling: 'bicubic',
};

const BLOCK = 'trunk.blocks.#';

export const aimv2: Family = {
  layout: 'aim',
  title: 'AIMv2 ViT',
  prefixes: [''],
  signature: ['preprocessor.patchifier.proj.weight', 'preprocessor.pos_embed', `${BLOCK}.mlp.fc3.weight`],
  rules: [
    renamed('pos_embed', 'preprocessor.pos_embed'),
    renamed('patch_embed.proj.*', 'preprocessor.patchifier.proj.*'),
    renamed('patch_embed.norm.*', 'preprocessor.patchifier.norm.*'),
    renamed('blocks.#.norm1.*', `${BLOCK}.norm_1.*`),
    renamed('blocks.#.attn.qkv.weight', `${BLOCK}.attn.qkv.weight`),
    renamed('blocks.#.attn.proj.weight', `${BLOCK}.attn.proj.weight`),
    renamed('blocks.#.norm2.*', `${BLOCK}.norm_2.*`),
    stacked('blocks.#.mlp.fc1.weight', `${BLOCK}.mlp.fc1.weight`, `${BLOCK}.mlp.fc3.weight`),
    renamed('blocks.#.mlp.fc2.weight', `${BLOCK}.mlp.fc2.weight`),
    renamed('norm.*', 'trunk.post_trunk_norm.*'),
  ],
  implied: [
    [
      zeroBias('blocks.#.attn.proj.bias', `${BLOCK}.attn.proj.weight`),
      zeroBias('blocks.#.mlp.fc1.bias', `${BLOCK}.mlp.fc1.weight`, `${BLOCK}.mlp.fc3.weight`),
      zeroBias('blocks.#.mlp.fc2.bias', `${BLOCK}.mlp.fc2.weight`),
    ],
  ],
  unsupported: {},
  ignored: {},
  conventions: { ...CONVENTIONS, pooling: 'none' },
  resamples: false,
};

export const aimv2Native: Family = {
  ...aimv2,
  title: 'AIMv2 ViT of native resolution',
  signature: ['preprocessor.patchifier.proj.weight', `${BLOCK}.mlp.fc3.weight`],
  conventions: { ...aimv2.conventions, positionResampling: 'sincos' },
  resamples: undefined,
};

/** The blocks of either tower. */
function blocks(to: string, from: string): { rules: Rule[]; implied: Rule[] } {
  const ffn = `${from}.#.ffn`;
  return {
    rules: [
      renamed(`${to}.#.norm1.*`, `${from}.#.rms_norm1.*`),
      stacked(
        `${to}.#.attn.qkv.*`,
        `${from}.#.attention.q_proj.*`,
        `${from}.#.attention.k_proj.*`,
        `${from}.#.attention.v_proj.*`,
      ),
      renamed(`${to}.#.attn.proj.*`, `${from}.#.attention.out_proj.*`),
      renamed(`${to}.#.norm2.*`, `${from}.#.rms_norm2.*`),
      stacked(`${to}.#.mlp.fc1.*`, `${ffn}.gate_proj.*`, `${ffn}.up_proj.*`),
      renamed(`${to}.#.mlp.fc2.*`, `${ffn}.down_proj.*`),
    ],
    implied: [
      zeroBias(`${to}.#.attn.proj.bias`, `${from}.#.attention.out_proj.weight`),
      zeroBias(`${to}.#.mlp.fc1.bias`, `${ffn}.gate_proj.weight`, `${ffn}.up_proj.weight`),
      zeroBias(`${to}.#.mlp.fc2.bias`, `${ffn}.down_proj.weight`),
    ],
  };
}

const IMAGE = blocks('blocks', 'encoder.layers');
const TEXT = blocks('text.blocks', 'text_model.encoder.layers');

export const huggingFaceAimv2: Family = {
  layout: 'hf',
  title: 'Hugging Face AIMv2',
  prefixes: ['vision_model.', ''],
  signature: ['embeddings.patch_embed.weight', 'embeddings.rms_norm.weight', 'encoder.layers.#.ffn.gate_proj.weight'],
  models: { Aimv2Model: ['projection', 'text'], Aimv2VisionModel: [] },
  rules: [
    asTokens('pos_embed', 'embeddings.position_embedding.weight'),
    renamed('patch_embed.proj.*', 'embeddings.patch_embed.*'),
    renamed('patch_embed.norm.*', 'embeddings.rms_norm.*'),
    ...IMAGE.rules,
    renamed('norm.*', 'rms_norm.*'),
    renamed('attn_pool.latent', 'head.cls_token'),
    stacked('attn_pool.kv.*', 'head.k_proj.*', 'head.v_proj.*'),
    renamed('attn_pool.proj.*', 'head.output_proj.*'),
    renamed('projection.*', 'visual_projection.*'),

    renamed('text.token_embed.weight', 'text_model.embeddings.token_embedding.weight'),
    renamed('text.pos_embed', 'text_model.embeddings.position_embedding.weight'),
    ...TEXT.rules,
    renamed('text.norm.*', 'text_model.rms_norm.*'),
    renamed('text.projection.*', 'text_projection.*'),
    clamped('logit_scale', 'logit_scale', 0, Math.log(100)),
  ],
  implied: [
    IMAGE.implied,
    // Texts have biases of Q, K and V here.
    [
      ...TEXT.implied,
      zeroBias(
        'text.blocks.#.attn.qkv.bias',
        ...['q', 'k', 'v'].map((part) => `text_model.encoder.layers.#.attention.${part}_proj.weight`),
      ),
    ],
    [zeroBias('attn_pool.kv.bias', 'head.k_proj.weight', 'head.v_proj.weight')],
  ],
  unsupported: {},
  ignored: {
    'embeddings.position_ids': 'they are 0, 1, 2, …',
    'text_model.embeddings.position_ids': 'they are 0, 1, 2, …',
  },
  conventions: { ...CONVENTIONS, pooling: 'none' },
  resamples: false,
};

/** A number that the library never takes beyond these. */
function clamped(to: string, from: string, least: number, most: number): Rule {
  const rule = renamed(to, from);
  const apply: Rule['transform']['apply'] = ([values]) => values.map((value) => Math.min(Math.max(value, least), most));
  return { ...rule, transform: { ...rule.transform, apply } };
}
