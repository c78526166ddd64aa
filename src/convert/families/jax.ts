/**
 * Google's JAX models: google-research/vision_transformer (vit_jax/models_vit.py), with the names of the published files
 * and those of current code, and google-research/big_vision (big_vision/models/vit.py).
 *
 * A convolution is `[height, width, in, out]`. Flax's `nn.gelu` is the one with tanh.
 */
import type { Family } from './family.ts';
import { attention, dense, heads, mixed, mlp, norm } from './flax.ts';
import { permuted, renamed } from './transforms.ts';

const BLOCK = 'Transformer/encoderblock_#';

export const jax: Family = {
  layout: 'jax',
  title: 'JAX ViT',
  prefixes: [''],
  signature: [
    'embedding/kernel',
    `${BLOCK}/LayerNorm_0/scale|Transformer/encoderblock/LayerNorm_0/scale`,
    'Transformer/encoder_norm/scale',
  ],
  rules: [
    renamed('cls_token', 'cls'),
    renamed('pos_embed', 'Transformer/posembed_input/pos_embedding'),
    renamed('pos_embed', 'Transformer/pos_embedding'),
    renamed('pos_embed', 'pos_embedding'),
    { to: 'patch_embed.proj.weight', from: ['embedding/kernel'], transform: permuted([3, 2, 0, 1]) },
    renamed('patch_embed.proj.bias', 'embedding/bias'),

    // The published files number the modules of a block throughout, current code by kind.
    ...norm('blocks.#.norm1', `${BLOCK}/LayerNorm_0`),
    ...attention('blocks.#.attn', `${BLOCK}/MultiHeadDotProductAttention_1`),
    ...norm('blocks.#.norm2', `${BLOCK}/LayerNorm_2`),
    ...mlp('blocks.#.mlp', `${BLOCK}/MlpBlock_3`),
    ...attention('blocks.#.attn', `${BLOCK}/MultiHeadDotProductAttention_0`),
    ...norm('blocks.#.norm2', `${BLOCK}/LayerNorm_1`),
    ...mlp('blocks.#.mlp', `${BLOCK}/MlpBlock_0`),
    ...norm('norm', 'Transformer/encoder_norm'),

    renamed('attn_pool.latent', 'MAPHead_0/probe'),
    ...heads('attn_pool.q', 'MAPHead_0/MultiHeadDotProductAttention_0', 'query'),
    ...heads('attn_pool.kv', 'MAPHead_0/MultiHeadDotProductAttention_0', 'key', 'value'),
    ...mixed('attn_pool.proj', 'MAPHead_0/MultiHeadDotProductAttention_0/out'),
    ...norm('attn_pool.norm', 'MAPHead_0/LayerNorm_0'),
    ...mlp('attn_pool.mlp', 'MAPHead_0/MlpBlock_0'),

    ...dense('pre_logits.fc', 'pre_logits'),
    ...dense('head', 'head'),
  ],
  scanned: { from: 'Transformer/encoderblock/*', to: `${BLOCK}/*` },
  unsupported: {},
  ignored: {},
  conventions: { epsilon: 1e-6, activation: 'gelu_tanh', normOrder: 'first', positionResampling: 'bilinear-corners' },
};

const POSITIONS = ['Transformer/posembed_input/pos_embedding', 'Transformer/pos_embedding', 'pos_embedding'];

/** Of big_vision with `posemb="sincos2d"`. */
export const jaxSincos: Family = {
  ...jax,
  title: 'JAX ViT with computed positions',
  lacks: POSITIONS,
  conventions: { ...jax.conventions, positionResampling: 'sincos-inclusive' },
};
