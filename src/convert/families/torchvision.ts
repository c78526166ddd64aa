/**
 * torchvision's `VisionTransformer` (torchvision/models/vision_transformer.py), with the names of current files and with
 * the older ones of the MLP.
 */
import type { Family } from './family.ts';
import { renamed } from './transforms.ts';

const BLOCK = 'encoder.layers.encoder_layer_#';

export const torchvision: Family = {
  layout: 'torchvision',
  title: 'torchvision ViT',
  prefixes: [''],
  signature: ['conv_proj.weight', `${BLOCK}.ln_1.weight`],
  rules: [
    renamed('cls_token', 'class_token'),
    renamed('pos_embed', 'encoder.pos_embedding'),
    renamed('patch_embed.proj.*', 'conv_proj.*'),

    renamed('blocks.#.norm1.*', `${BLOCK}.ln_1.*`),
    renamed('blocks.#.attn.qkv.weight', `${BLOCK}.self_attention.in_proj_weight`),
    renamed('blocks.#.attn.qkv.bias', `${BLOCK}.self_attention.in_proj_bias`),
    renamed('blocks.#.attn.proj.*', `${BLOCK}.self_attention.out_proj.*`),
    renamed('blocks.#.norm2.*', `${BLOCK}.ln_2.*`),
    renamed('blocks.#.mlp.fc1.*', `${BLOCK}.mlp.0.*`),
    renamed('blocks.#.mlp.fc2.*', `${BLOCK}.mlp.3.*`),
    renamed('blocks.#.mlp.fc1.*', `${BLOCK}.mlp.linear_1.*`),
    renamed('blocks.#.mlp.fc2.*', `${BLOCK}.mlp.linear_2.*`),

    renamed('norm.*', 'encoder.ln.*'),
    renamed('pre_logits.fc.*', 'heads.pre_logits.*'),
    renamed('head.*', 'heads.head.*'),
  ],
  unsupported: {},
  ignored: {},
  conventions: {
    epsilon: 1e-6,
    activation: 'gelu',
    normOrder: 'first',
    pooling: 'class',
    positionResampling: 'bicubic-corners',
  },
};
