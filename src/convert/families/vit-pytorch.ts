/**
 * lucidrains' vit-pytorch (vit_pytorch/vit.py), of all its years: without norms around the projection of patches, with
 * norms as modules of their own (`fn.`), and as it is now. Q, K and V have no bias, and heads may be of any size.
 *
 * Patches are vectors in the order row, column, channel, which the projection and the norm before it follow. How large a
 * patch is, and whether the class token or the mean of all tokens is pooled, is in no tensor.
 */
import type { Family, Rule, Transform } from './family.ts';
import { asTokens, channelsOf, patchProjection, permute, renamed, requireRank, zeroBias } from './transforms.ts';

const LAYER = 'transformer.layers.#';

const RULES: Rule[] = [
  asTokens('cls_token', 'cls_token'),
  asTokens('pos_embed', 'pos_embedding'),

  renamed('blocks.#.norm1.*', `${LAYER}.0.norm.*`),
  renamed('blocks.#.attn.qkv.weight', `${LAYER}.0.to_qkv.weight`),
  renamed('blocks.#.attn.proj.*', `${LAYER}.0.to_out.0.*`),
  renamed('blocks.#.norm2.*', `${LAYER}.1.net.0.*`),
  renamed('blocks.#.mlp.fc1.*', `${LAYER}.1.net.1.*`),
  renamed('blocks.#.mlp.fc2.*', `${LAYER}.1.net.4.*`),

  // Before the norms became part of the modules.
  renamed('blocks.#.attn.qkv.weight', `${LAYER}.0.fn.to_qkv.weight`),
  renamed('blocks.#.attn.proj.*', `${LAYER}.0.fn.to_out.0.*`),
  renamed('blocks.#.norm2.*', `${LAYER}.1.norm.*`),
  renamed('blocks.#.mlp.fc1.*', `${LAYER}.1.fn.net.0.*`),
  renamed('blocks.#.mlp.fc2.*', `${LAYER}.1.fn.net.3.*`),

  renamed('norm.*', 'transformer.norm.*'),
  renamed('head.weight', 'mlp_head.weight'),
  renamed('head.bias', 'mlp_head.bias'),
  // Before the transformer had a last norm, the head had one, behind the pooling.
  renamed('fc_norm.*', 'mlp_head.0.*'),
  renamed('head.*', 'mlp_head.1.*'),
];

/** One head that is as wide as the tokens is not projected. */
const identity: Transform = {
  shape([shape]) {
    requireRank(shape, 2);
    return [shape[1], shape[0] / 3];
  },
  apply: (_, [[, width]]) => Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0)),
  heads: () => 1,
};

const zeros: Transform = {
  shape: ([shape]) => [shape[1]],
  apply: (_, [[, width]]) => new Float32Array(width),
};

export const vitPytorch: Family = {
  layout: 'vit-pytorch',
  title: 'lucidrains ViT',
  prefixes: [''],
  signature: ['to_patch_embedding.2.weight', `${LAYER}.0.to_qkv.weight|${LAYER}.0.fn.to_qkv.weight`],
  rules: RULES,
  implied: [
    [`${LAYER}.0.to_qkv.weight`, `${LAYER}.0.fn.to_qkv.weight`].flatMap((from) => [
      { to: 'blocks.#.attn.proj.weight', from: [from], transform: identity },
      { to: 'blocks.#.attn.proj.bias', from: [from], transform: zeros },
    ]),
  ],
  patchRules: (patchSize) => [
    pixelOrder('patch_embed.pixel_norm.weight', 'to_patch_embedding.1.weight', patchSize),
    pixelOrder('patch_embed.pixel_norm.bias', 'to_patch_embedding.1.bias', patchSize),
    patchProjection('to_patch_embedding.2.weight', patchSize),
    renamed('patch_embed.proj.bias', 'to_patch_embedding.2.bias'),
    renamed('patch_embed.norm.*', 'to_patch_embedding.3.*'),
  ],
  unsupported: {},
  ignored: {},
  conventions: {
    epsilon: 1e-5,
    activation: 'gelu',
    normOrder: 'first',
    positionResampling: 'bicubic',
  },
  resamples: false,
  exceptions: ({ classToken }) =>
    classToken
      ? {
          pooling: {
            name: 'pooling',
            why: 'Whether the class token is pooled or the mean of all tokens is in no tensor.',
            choices: ['class', 'all'],
          },
        }
      : {},
};

/** Without norms around the projection. */
export const vitPytorchPlain: Family = {
  ...vitPytorch,
  signature: [
    'to_patch_embedding.1.weight|patch_to_embedding.weight',
    `${LAYER}.0.to_qkv.weight|${LAYER}.0.fn.to_qkv.weight`,
  ],
  patchRules: (patchSize) => [
    patchProjection('to_patch_embedding.1.weight', patchSize),
    renamed('patch_embed.proj.bias', 'to_patch_embedding.1.bias'),
    patchProjection('patch_to_embedding.weight', patchSize),
    renamed('patch_embed.proj.bias', 'patch_to_embedding.bias'),
  ],
};

/** `[height * width * channels]` in the order channel, row, column. */
function pixelOrder(to: string, from: string, patchSize: [number, number]): Rule {
  return {
    to,
    from: [from],
    transform: {
      shape([shape]) {
        requireRank(shape, 1);
        channelsOf(shape[0], patchSize);
        return [...shape];
      },
      apply([values], [shape]) {
        return permute(values, [...patchSize, channelsOf(shape[0], patchSize)], [2, 0, 1]);
      },
    },
  };
}

/** `SimpleViT` (vit_pytorch/simple_vit.py): no class token, positions that are computed, no bias behind attention. */
export const simpleVit: Family = {
  ...vitPytorch,
  title: 'lucidrains SimpleViT',
  signature: ['to_patch_embedding.2.weight', `${LAYER}.0.to_qkv.weight`, 'linear_head.weight'],
  rules: [
    renamed('blocks.#.norm1.*', `${LAYER}.0.norm.*`),
    renamed('blocks.#.attn.qkv.weight', `${LAYER}.0.to_qkv.weight`),
    renamed('blocks.#.attn.proj.weight', `${LAYER}.0.to_out.weight`),
    renamed('blocks.#.norm2.*', `${LAYER}.1.net.0.*`),
    renamed('blocks.#.mlp.fc1.*', `${LAYER}.1.net.1.*`),
    renamed('blocks.#.mlp.fc2.*', `${LAYER}.1.net.3.*`),
    renamed('norm.*', 'transformer.norm.*'),
    renamed('head.*', 'linear_head.*'),
  ],
  implied: [[zeroBias('blocks.#.attn.proj.bias', `${LAYER}.0.to_out.weight`)]],
  conventions: { ...vitPytorch.conventions, pooling: 'all', positionResampling: 'sincos-inclusive' },
  resamples: undefined,
  exceptions: undefined,
};
