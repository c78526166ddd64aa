/**
 * DINOv3: the authors' files (facebookresearch/dinov3, dinov3/models/vision_transformer.py) and Hugging Face's
 * (transformers/models/dinov3_vit/modeling_dinov3_vit.py). The authors store the periods of the rotary positions, which are
 * rounded to bfloat16; Hugging Face computes them. K has no bias: theirs masks it.
 */
import { ViTError } from '../../error.ts';
import { axialFrequencies } from '../convert-rotary.ts';
import { DINOV3 } from '../rotary-facts.ts';
import type { Family, Rule, Transform } from './family.ts';
import { renamed, stacked, withoutKey } from './transforms.ts';

const CONVENTIONS: Family['conventions'] = {
  epsilon: 1e-5,
  activation: 'gelu',
  normOrder: 'first',
  pooling: 'class',
  rotary: DINOV3,
};

/** Whatever is masked counts as zero, NaN too. */
const masked: Transform = {
  shape([bias, mask]) {
    if (String(bias) === String(mask)) return [...bias];
    throw new ViTError('bad-input', `a mask of shape [${mask}] for a bias of [${bias}].`);
  },
  apply: ([bias, mask]) => bias.map((value, i) => (mask[i] === 0 ? 0 : value * mask[i])),
};

const periods: Transform = {
  shape: ([[bands]]) => [2, 1, 1, 2 * bands],
  apply: ([values]) =>
    axialFrequencies(
      Float64Array.from(values, (period) => (2 * Math.PI) / period),
      'row',
    ),
};

const RULES: Rule[] = [
  renamed('cls_token', 'cls_token'),
  renamed('reg_token', 'storage_tokens'),
  renamed('patch_embed.proj.*', 'patch_embed.proj.*'),
  { to: 'rope.freqs', from: ['rope_embed.periods'], transform: periods },
  renamed('blocks.#.norm1.*', 'blocks.#.norm1.*'),
  renamed('blocks.#.attn.qkv.weight', 'blocks.#.attn.qkv.weight'),
  {
    to: 'blocks.#.attn.qkv.bias',
    from: ['blocks.#.attn.qkv.bias', 'blocks.#.attn.qkv.bias_mask'],
    transform: masked,
  },
  renamed('blocks.#.attn.proj.*', 'blocks.#.attn.proj.*'),
  renamed('blocks.#.ls1.gamma', 'blocks.#.ls1.gamma'),
  renamed('blocks.#.norm2.*', 'blocks.#.norm2.*'),
  renamed('blocks.#.mlp.fc1.*', 'blocks.#.mlp.fc1.*'),
  renamed('blocks.#.mlp.fc2.*', 'blocks.#.mlp.fc2.*'),
  stacked('blocks.#.mlp.fc1.*', 'blocks.#.mlp.w1.*', 'blocks.#.mlp.w2.*'),
  renamed('blocks.#.mlp.fc2.*', 'blocks.#.mlp.w3.*'),
  renamed('blocks.#.ls2.gamma', 'blocks.#.ls2.gamma'),
  renamed('norm.*', 'norm.*'),
  renamed('cls_norm.*', 'cls_norm.*'),
];

export const dinov3: Family = {
  layout: 'dinov3',
  title: 'DINOv3 ViT',
  prefixes: ['', 'backbone.'],
  signature: ['patch_embed.proj.weight', 'rope_embed.periods', 'blocks.#.attn.qkv.weight'],
  rules: RULES,
  unsupported: {},
  ignored: { mask_token: 'only training uses it', 'local_cls_norm.*': 'only training uses it' },
  conventions: { ...CONVENTIONS, rotary: { ...DINOV3, bands: null } },
};

const LAYER = 'layer.#';

export const huggingFaceDinov3: Family = {
  layout: 'hf',
  title: 'Hugging Face DINOv3',
  prefixes: ['', 'dinov3_vit.'],
  signature: [
    'embeddings.patch_embeddings.weight',
    `${LAYER}.attention.q_proj.weight`,
    `${LAYER}.layer_scale1.lambda1`,
  ],
  models: { DINOv3ViTModel: [] },
  rules: [
    renamed('cls_token', 'embeddings.cls_token'),
    renamed('reg_token', 'embeddings.register_tokens'),
    renamed('patch_embed.proj.*', 'embeddings.patch_embeddings.*'),
    renamed('blocks.#.norm1.*', `${LAYER}.norm1.*`),
    stacked(
      'blocks.#.attn.qkv.weight',
      `${LAYER}.attention.q_proj.weight`,
      `${LAYER}.attention.k_proj.weight`,
      `${LAYER}.attention.v_proj.weight`,
    ),
    withoutKey('blocks.#.attn.qkv.bias', `${LAYER}.attention.q_proj.bias`, `${LAYER}.attention.v_proj.bias`),
    renamed('blocks.#.attn.proj.*', `${LAYER}.attention.o_proj.*`),
    renamed('blocks.#.ls1.gamma', `${LAYER}.layer_scale1.lambda1`),
    renamed('blocks.#.norm2.*', `${LAYER}.norm2.*`),
    renamed('blocks.#.mlp.fc1.*', `${LAYER}.mlp.up_proj.*`),
    renamed('blocks.#.mlp.fc2.*', `${LAYER}.mlp.down_proj.*`),
    renamed('blocks.#.ls2.gamma', `${LAYER}.layer_scale2.lambda1`),
    renamed('norm.*', 'norm.*'),
  ],
  unsupported: {},
  ignored: { 'embeddings.mask_token': 'only training uses it' },
  conventions: CONVENTIONS,
};

/** With SwiGLU, where the layer of what is gated has the name of the plain one. */
export const huggingFaceDinov3Gated: Family = {
  ...huggingFaceDinov3,
  signature: [...huggingFaceDinov3.signature, `${LAYER}.mlp.gate_proj.weight`],
  rules: [
    ...huggingFaceDinov3.rules.filter(({ to }) => to !== 'blocks.#.mlp.fc1.*'),
    stacked('blocks.#.mlp.fc1.*', `${LAYER}.mlp.gate_proj.*`, `${LAYER}.mlp.up_proj.*`),
  ],
};
