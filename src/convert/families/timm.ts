/**
 * timm's `VisionTransformer` and what is built on it (timm/models/vision_transformer.py, deit.py, beit.py): DeiT, DeiT-3,
 * DINOv2, CLIP, SigLIP, BEiT. Its names are the canonical ones, but for BEiT's.
 */
import type { Family } from './family.ts';
import { renamed, stacked, withoutKey } from './transforms.ts';

const CANONICAL = [
  'cls_token',
  'dist_token',
  'reg_token',
  'pos_embed',
  'patch_embed.proj.*',
  'patch_embed.norm.*',
  'norm_pre.*',
  'rel_pos_bias.relative_position_bias_table',
  'blocks.#.norm1.*',
  'blocks.#.attn.qkv.*',
  'blocks.#.attn.relative_position_bias_table',
  'blocks.#.attn.proj.*',
  'blocks.#.ls1.gamma',
  'blocks.#.norm2.*',
  'blocks.#.mlp.fc1.*',
  'blocks.#.mlp.fc2.*',
  'blocks.#.ls2.gamma',
  'norm.*',
  'fc_norm.*',
  'attn_pool.*',
  'pre_logits.fc.*',
  'head.*',
  'head_dist.*',
];

export const timm: Family = {
  layout: 'timm',
  title: 'timm ViT',
  prefixes: [''],
  signature: ['patch_embed.proj.weight', 'blocks.#.attn.qkv.weight'],
  rules: [
    ...CANONICAL.map((name) => renamed(name, name)),
    renamed('blocks.#.ls1.gamma', 'blocks.#.gamma_1'),
    renamed('blocks.#.ls2.gamma', 'blocks.#.gamma_2'),
    withoutKey('blocks.#.attn.qkv.bias', 'blocks.#.attn.q_bias', 'blocks.#.attn.v_bias'),
    stacked('blocks.#.mlp.fc1.*', 'blocks.#.mlp.fc1_g.*', 'blocks.#.mlp.fc1_x.*'),
    // The names of DINOv2's own files.
    renamed('reg_token', 'register_tokens'),
    renamed('blocks.#.mlp.fc1.*', 'blocks.#.mlp.w12.*'),
    renamed('blocks.#.mlp.fc2.*', 'blocks.#.mlp.w3.*'),
  ],
  unsupported: {
    'blocks.#.attn.q_norm.*': 'a norm of Q and K',
    'blocks.#.attn.k_norm.*': 'a norm of Q and K',
    'blocks.#.attn.norm.*': 'a norm within attention',
    'blocks.#.mlp.norm.*': 'a norm within the MLP',
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
  },
};
