/**
 * `torch.nn.TransformerEncoder` within a module of one's own: the encoder's names are PyTorch's, those around it are
 * whatever people call them. Here are the usual ones.
 *
 * No conventions: PyTorch's defaults (post-norm, ReLU, epsilon 1e-5) are not what vision models use, and no tensor shows them.
 * Nor does one show what the surrounding module pools.
 */
import type { Family, Rule } from './family.ts';
import { renamed } from './transforms.ts';

/** Names of the modules around, each with its dot. */
const EMBEDDINGS = ['', 'embedding_block.', 'embedding.', 'embeddings.', 'patch_embedding.', 'patch_embed.'];
const PROJECTIONS = ['patcher.0', 'patcher', 'proj', 'projection', 'conv', 'conv_proj', 'patch_embedding'];
const CLASS_TOKENS = ['cls_token', 'class_token', 'class_embedding'];
const POSITIONS = ['position_embedding', 'position_embeddings', 'pos_embedding', 'pos_embed', 'positional_embedding'];
const ENCODERS = ['', 'encoder_blocks.', 'encoder.', 'transformer_encoder.', 'transformer.', 'blocks.'];
const HEADS = ['mlp_head.1', 'mlp_head', 'head', 'classifier', 'fc'];

/** Weight and bias; not `*`, which would take the first of several layers for the only one. */
function affine(to: string, from: string): Rule[] {
  return [renamed(`${to}.weight`, `${from}.weight`), renamed(`${to}.bias`, `${from}.bias`)];
}

const BLOCKS = ENCODERS.flatMap((encoder) => [
  renamed('blocks.#.attn.qkv.weight', `${encoder}layers.#.self_attn.in_proj_weight`),
  renamed('blocks.#.attn.qkv.bias', `${encoder}layers.#.self_attn.in_proj_bias`),
  renamed('blocks.#.attn.proj.*', `${encoder}layers.#.self_attn.out_proj.*`),
  renamed('blocks.#.norm1.*', `${encoder}layers.#.norm1.*`),
  renamed('blocks.#.mlp.fc1.*', `${encoder}layers.#.linear1.*`),
  renamed('blocks.#.mlp.fc2.*', `${encoder}layers.#.linear2.*`),
  renamed('blocks.#.norm2.*', `${encoder}layers.#.norm2.*`),
  ...affine('norm', `${encoder}norm`),
]);

export const torchEncoder: Family = {
  layout: 'torch-encoder',
  title: 'nn.TransformerEncoder',
  prefixes: [''],
  signature: [ENCODERS.map((encoder) => `${encoder}layers.#.self_attn.in_proj_weight`).join('|')],
  rules: [
    ...EMBEDDINGS.flatMap((module) => [
      ...PROJECTIONS.flatMap((name) => affine('patch_embed.proj', module + name)),
      ...CLASS_TOKENS.map((name) => renamed('cls_token', module + name)),
      ...POSITIONS.map((name) => renamed('pos_embed', module + name)),
    ]),
    ...BLOCKS,
    // Behind the pooling, of whatever tokens.
    ...affine('fc_norm', 'mlp_head.0'),
    ...HEADS.flatMap((name) => affine('head', name)),
  ],
  unsupported: {},
  ignored: {},
  conventions: { positionResampling: 'bicubic', finalNorm: 'none' },
  resamples: false,
  exceptions: ({ classToken }) =>
    classToken
      ? {
          pooling: {
            name: 'pooling',
            why:
              'Which tokens are pooled is in no tensor: class, patches (their mean) or all (the mean of the class token, ' +
              'too).',
            choices: ['class', 'patches', 'all'],
          },
        }
      : {},
};
