/**
 * The keys of timm's config.json, and the arguments of its `VisionTransformer`, `Beit` and `Eva` (timm/models/
 * vision_transformer.py, beit.py, eva.py): a new argument that this version can run is a line here.
 */
import type { Dimensions } from '../dimensions.ts';
import { type Keys, only, read, same, square, training, unused } from './known-keys.ts';

const name = unused('a name');
const download = unused('where the weights come from');
const otherSizes = unused('of images of other sizes than the checkpoint was trained for');

/** `pretrained_cfg`; in older files these stand at the top. */
export const PRETRAINED_CFG: Keys = {
  url: download,
  file: download,
  hf_hub_id: download,
  hf_hub_filename: download,
  source: download,
  custom_load: download,
  mirror_url: download,
  origin_url: download,
  paper_ids: name,
  paper_name: name,
  license: name,
  notes: name,
  description: name,
  architecture: name,
  tag: read,
  num_classes: unused('the one at the top counts'),
  label_offset: unused('the classifier was cut when the file was made'),
  first_conv: name,
  classifier: name,
  input_size: read,
  interpolation: read,
  crop_pct: read,
  crop_mode: read,
  mean: read,
  std: read,
  test_input_size: otherSizes,
  test_crop_pct: otherSizes,
  min_input_size: otherSizes,
  fixed_input_size: otherSizes,
  pool_size: name,
  label_names: read,
  label_descriptions: read,
  labels: read,
};

/** Of the file itself. */
export const TOP: Keys = {
  ...PRETRAINED_CFG,
  architecture: read,
  model_args: read,
  pretrained_cfg: read,
  num_classes: same(({ classes }, value) => (value === 0 ? value : classes)),
  num_features: same(({ width }) => width),
  global_pool: read,
  // As transformers wraps these models.
  do_pooling: only(true),
};

/** Of the model's class. */
export const MODEL_ARGS: Keys = {
  img_size: read,
  patch_size: same(({ patchSize }, value) => square(patchSize, value)),
  in_chans: same(({ channels }) => channels),
  num_classes: same(({ classes }) => classes),
  global_pool: read,
  embed_dim: same(({ width }) => width),
  depth: same(({ depth }) => depth),
  num_heads: read,
  mlp_ratio: same((dimensions, value) => mlpRatio(dimensions, value)),
  qkv_bias: same(({ qkvBias }) => qkvBias),
  qkv_fused: only(true),
  qk_norm: only(false),
  proj_bias: only(true),
  scale_attn_norm: only(false),
  scale_mlp_norm: only(false),
  scale_mlp: only(false),
  scale_attn_inner: only(false),
  swiglu_mlp: same(({ mlp }) => mlp === 'swiglu'),
  init_values: same(({ layerScale }, value) => (layerScale === Boolean(value) ? value : layerScale)),
  class_token: same(({ classToken }) => classToken),
  no_embed_class: read,
  reg_tokens: same(({ registerTokens }) => registerTokens),
  num_reg_tokens: same(({ registerTokens }) => registerTokens),
  pos_embed: only('learn'),
  pre_norm: same(({ normBeforeBlocks }) => normBeforeBlocks),
  use_pre_transformer_norm: same(({ normBeforeBlocks }) => normBeforeBlocks),
  final_norm: same(({ finalNorm }) => finalNorm !== 'none'),
  use_post_transformer_norm: same(({ finalNorm }) => finalNorm !== 'none'),
  fc_norm: same(({ finalNorm }) => finalNorm === 'pooled'),
  use_fc_norm: same(({ finalNorm }) => finalNorm === 'pooled'),
  use_post_norm: only(false),
  pool_include_prefix: read,
  use_abs_pos_emb: same(({ positions }) => positions !== null),
  use_rel_pos_bias: same(({ relativePositionBias }) => relativePositionBias === 'per-block'),
  use_shared_rel_pos_bias: same(({ relativePositionBias }) => relativePositionBias === 'shared'),
  use_rot_pos_emb: only(false),
  attn_type: only('eva'),
  act_layer: read,
  norm_layer: only('layernorm'),
  mlp_layer: only('Mlp'),
  attn_layer: only('Attention'),
  block_fn: only('Block'),
  embed_layer: only('PatchEmbed'),
  embed_norm_layer: only(),
  distilled: same(({ distillationToken }) => distillationToken),
  dynamic_img_size: otherSizes,
  dynamic_img_pad: otherSizes,
  strict_img_size: otherSizes,
  drop_rate: training,
  pos_drop_rate: training,
  patch_drop_rate: training,
  proj_drop_rate: training,
  attn_drop_rate: training,
  drop_path_rate: training,
  weight_init: training,
  fix_init: training,
  head_init_scale: training,
};

function mlpRatio({ width, mlpWidth, mlp }: Dimensions, value: unknown): unknown {
  const hidden = Math.trunc(width * Number(value));
  // A packed SwiGLU halves its hidden layer.
  const fits = hidden === mlpWidth || (mlp === 'swiglu' && Math.trunc(hidden / 2) === mlpWidth);
  return fits ? value : mlpWidth / width;
}
