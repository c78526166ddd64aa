/**
 * timm's `VisionTransformer` (timm/models/vision_transformer.py): its names are the canonical ones.
 */
import type { Family } from './family.ts';
import { renamed } from './transforms.ts';

const MODULES = [
  'patch_embed.proj.*',
  'blocks.#.norm1.*',
  'blocks.#.attn.qkv.*',
  'blocks.#.attn.proj.*',
  'blocks.#.norm2.*',
  'blocks.#.mlp.fc1.*',
  'blocks.#.mlp.fc2.*',
  'norm.*',
  'head.*',
];

export const timm: Family = {
  layout: 'timm',
  title: 'timm ViT',
  prefixes: [''],
  signature: ['patch_embed.proj.weight', 'blocks.#.attn.qkv.weight'],
  rules: ['cls_token', 'pos_embed', ...MODULES].map((name) => renamed(name, name)),
  unsupported: {
    dist_token: 'a distillation token',
    'head_dist.*': 'a distillation head',
    reg_token: 'register tokens',
    register_tokens: 'register tokens',
    'patch_embed.norm.*': 'a norm of the patches',
    'norm_pre.*': "a norm before the blocks, as CLIP's",
    'blocks.#.ls1.*': 'layer scale',
    'blocks.#.ls2.*': 'layer scale',
    'blocks.#.gamma_1': 'layer scale',
    'blocks.#.gamma_2': 'layer scale',
    'blocks.#.attn.q_norm.*': 'a norm of Q and K',
    'blocks.#.attn.k_norm.*': 'a norm of Q and K',
    'blocks.#.attn.norm.*': 'a norm within attention',
    'blocks.#.attn.q_bias': 'no bias of K',
    'blocks.#.attn.v_bias': 'no bias of K',
    'blocks.#.attn.relative_position_bias_table': 'a relative position bias',
    'rel_pos_bias.*': 'a relative position bias',
    'blocks.#.mlp.norm.*': 'a norm within the MLP',
    'blocks.#.mlp.fc1_g.*': 'SwiGLU',
    'blocks.#.mlp.fc1_x.*': 'SwiGLU',
    'blocks.#.mlp.w12.*': 'SwiGLU',
    'blocks.#.mlp.w3.*': 'SwiGLU',
    'fc_norm.*': 'pooling by average',
    'attn_pool.*': 'pooling by attention',
    'pre_logits.*': 'a representation layer before the head',
  },
  ignored: {
    mask_token: 'only training uses it',
  },
  conventions: { epsilon: 1e-6, activation: 'gelu' },
};
