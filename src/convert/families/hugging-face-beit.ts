/**
 * Hugging Face's BEiT (transformers/models/beit/modeling_beit.py), and Data2Vec's, which is one: relative position biases, layer scale, no bias of K.
 * With the names on disk and with those that version 5 gives the same modules in memory.
 */
import type { Family } from './family.ts';
import { renamed, stacked, withoutKey } from './transforms.ts';

/** On disk, in every version. */
const BLOCK = 'encoder.layer.#';
/** `torch.save(model.state_dict())` under version 5. */
const MEMORY = 'layers.#';
const ATTENTION = `${BLOCK}.attention.attention`;

export const huggingFaceBeit: Family = {
  layout: 'hf',
  title: 'Hugging Face BEiT',
  prefixes: ['', 'beit.', 'data2vec_vision.'],
  signature: ['embeddings.patch_embeddings.projection.weight', `${BLOCK}.lambda_1|${MEMORY}.lambda_1`],
  models: {
    BeitModel: [],
    BeitForImageClassification: ['head'],
    Data2VecVisionModel: [],
    Data2VecVisionForImageClassification: ['head'],
  },
  rules: [
    renamed('cls_token', 'embeddings.cls_token'),
    renamed('pos_embed', 'embeddings.position_embeddings'),
    renamed('patch_embed.proj.*', 'embeddings.patch_embeddings.projection.*'),
    renamed('rel_pos_bias.relative_position_bias_table', 'encoder.relative_position_bias.relative_position_bias_table'),

    renamed('blocks.#.norm1.*', `${BLOCK}.layernorm_before.*`),
    stacked(
      'blocks.#.attn.qkv.weight',
      `${ATTENTION}.query.weight`,
      `${ATTENTION}.key.weight`,
      `${ATTENTION}.value.weight`,
    ),
    withoutKey('blocks.#.attn.qkv.bias', `${ATTENTION}.query.bias`, `${ATTENTION}.value.bias`),
    renamed(
      'blocks.#.attn.relative_position_bias_table',
      `${ATTENTION}.relative_position_bias.relative_position_bias_table`,
    ),
    renamed('blocks.#.attn.proj.*', `${BLOCK}.attention.output.dense.*`),
    renamed('blocks.#.ls1.gamma', `${BLOCK}.lambda_1`),
    renamed('blocks.#.norm2.*', `${BLOCK}.layernorm_after.*`),
    renamed('blocks.#.mlp.fc1.*', `${BLOCK}.intermediate.dense.*`),
    renamed('blocks.#.mlp.fc2.*', `${BLOCK}.output.dense.*`),
    renamed('blocks.#.ls2.gamma', `${BLOCK}.lambda_2`),

    renamed('rel_pos_bias.relative_position_bias_table', 'shared_position_bias.relative_position_bias_table'),
    renamed('blocks.#.norm1.*', `${MEMORY}.layernorm_before.*`),
    stacked(
      'blocks.#.attn.qkv.weight',
      `${MEMORY}.attention.q_proj.weight`,
      `${MEMORY}.attention.k_proj.weight`,
      `${MEMORY}.attention.v_proj.weight`,
    ),
    withoutKey('blocks.#.attn.qkv.bias', `${MEMORY}.attention.q_proj.bias`, `${MEMORY}.attention.v_proj.bias`),
    renamed(
      'blocks.#.attn.relative_position_bias_table',
      `${MEMORY}.relative_position_bias.relative_position_bias_table`,
    ),
    renamed('blocks.#.attn.proj.*', `${MEMORY}.attention.o_proj.*`),
    renamed('blocks.#.ls1.gamma', `${MEMORY}.lambda_1`),
    renamed('blocks.#.norm2.*', `${MEMORY}.layernorm_after.*`),
    renamed('blocks.#.mlp.fc1.*', `${MEMORY}.mlp.fc1.*`),
    renamed('blocks.#.mlp.fc2.*', `${MEMORY}.mlp.fc2.*`),
    renamed('blocks.#.ls2.gamma', `${MEMORY}.lambda_2`),

    renamed('norm.*', 'layernorm.*'),
    renamed('fc_norm.*', 'pooler.layernorm.*'),
    renamed('head.*', 'classifier.*'),
  ],
  unsupported: {},
  ignored: {
    'embeddings.mask_token': 'only training uses it',
    [`${ATTENTION}.relative_position_bias.relative_position_index`]: 'it follows from the grid of patches',
    'encoder.relative_position_bias.relative_position_index': 'it follows from the grid of patches',
  },
  conventions: { normOrder: 'first', positionResampling: 'bicubic', relativeResampling: 'bilinear' },
};
