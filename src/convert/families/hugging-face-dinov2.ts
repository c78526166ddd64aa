/**
 * Hugging Face's DINOv2, without and with registers (transformers/models/dinov2/modeling_dinov2.py,
 * dinov2_with_registers/modeling_dinov2_with_registers.py), with the names on disk and those of version 5 in memory.
 *
 * The two are one table; they resample positions differently.
 */
import type { Family, Rule } from './family.ts';
import { renamed, stacked } from './transforms.ts';

const BLOCK = 'encoder.layer.#';

const RULES: Rule[] = [
  renamed('cls_token', 'embeddings.cls_token'),
  renamed('reg_token', 'embeddings.register_tokens'),
  renamed('pos_embed', 'embeddings.position_embeddings'),
  renamed('patch_embed.proj.*', 'embeddings.patch_embeddings.projection.*'),

  renamed('blocks.#.norm1.*', `${BLOCK}.norm1.*`),
  stacked(
    'blocks.#.attn.qkv.*',
    `${BLOCK}.attention.attention.query.*`,
    `${BLOCK}.attention.attention.key.*`,
    `${BLOCK}.attention.attention.value.*`,
  ),
  renamed('blocks.#.attn.proj.*', `${BLOCK}.attention.output.dense.*`),
  renamed('blocks.#.ls1.gamma', `${BLOCK}.layer_scale1.lambda1`),
  renamed('blocks.#.norm2.*', `${BLOCK}.norm2.*`),
  renamed('blocks.#.mlp.fc1.*', `${BLOCK}.mlp.fc1.*`),
  renamed('blocks.#.mlp.fc2.*', `${BLOCK}.mlp.fc2.*`),
  renamed('blocks.#.mlp.fc1.*', `${BLOCK}.mlp.weights_in.*`),
  renamed('blocks.#.mlp.fc2.*', `${BLOCK}.mlp.weights_out.*`),
  renamed('blocks.#.ls2.gamma', `${BLOCK}.layer_scale2.lambda1`),

  stacked(
    'blocks.#.attn.qkv.*',
    `${BLOCK}.attention.q_proj.*`,
    `${BLOCK}.attention.k_proj.*`,
    `${BLOCK}.attention.v_proj.*`,
  ),
  renamed('blocks.#.attn.proj.*', `${BLOCK}.attention.o_proj.*`),
  stacked('blocks.#.mlp.fc1.*', `${BLOCK}.mlp.gate_proj.*`, `${BLOCK}.mlp.up_proj.*`),
  renamed('blocks.#.mlp.fc2.*', `${BLOCK}.mlp.down_proj.*`),

  renamed('norm.*', 'layernorm.*'),
  renamed('head.*', 'classifier.*'),
];

const SIGNATURE = ['embeddings.patch_embeddings.projection.weight', `${BLOCK}.layer_scale1.lambda1`];
const IGNORED = { 'embeddings.mask_token': 'only training uses it' };

export const huggingFaceDinov2: Family = {
  layout: 'hf',
  title: 'Hugging Face DINOv2',
  prefixes: ['', 'dinov2.'],
  signature: SIGNATURE,
  models: { Dinov2Model: [], Dinov2ForImageClassification: ['head'] },
  rules: RULES,
  unsupported: {},
  ignored: IGNORED,
  conventions: { epsilon: 1e-6, activation: 'gelu', normOrder: 'first', positionResampling: 'bicubic' },
};

export const huggingFaceDinov2Registers: Family = {
  ...huggingFaceDinov2,
  title: 'Hugging Face DINOv2 with registers',
  prefixes: ['', 'dinov2_with_registers.'],
  signature: [...SIGNATURE, 'embeddings.register_tokens'],
  models: { Dinov2WithRegistersModel: [], Dinov2WithRegistersForImageClassification: ['head'] },
  conventions: { ...huggingFaceDinov2.conventions, positionResampling: 'bicubic-antialias' },
};
