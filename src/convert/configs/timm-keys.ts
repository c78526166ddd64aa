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
  // Convolutions before the projection have their own.
  patch_size: same(({ patchSize, stem }, value) => (stem.length > 0 ? value : square(patchSize, value))),
  in_chans: same(({ channels }) => channels),
  num_classes: same(({ classes }) => classes),
  global_pool: read,
  embed_dim: same(({ width }) => width),
  depth: same(({ depth }) => depth),
  num_heads: read,
  mlp_ratio: same((dimensions, value) => mlpRatio(dimensions, value)),
  qkv_bias: same(({ qkvBias }) => qkvBias),
  qkv_fused: unused('the names of the tensors tell'),
  qk_norm: same(({ qkNorm }) => qkNorm),
  // Zeros are none.
  proj_bias: unused('the tensors tell'),
  scale_attn_norm: same(({ attentionNorm }) => attentionNorm),
  scale_mlp_norm: same(({ mlpNorm }) => mlpNorm),
  scale_mlp: same(({ mlpNorm }) => mlpNorm),
  scale_attn_inner: same(({ attentionNorm }) => attentionNorm),
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
  use_post_norm: read,
  pool_include_prefix: read,
  use_abs_pos_emb: same(({ positions }) => positions !== null),
  use_rel_pos_bias: same(({ relativePositionBias }) => relativePositionBias === 'per-block'),
  use_shared_rel_pos_bias: same(({ relativePositionBias }) => relativePositionBias === 'shared'),
  use_rot_pos_emb: read,
  attn_type: only('eva', 'rope'),
  rope_type: only('cat', 'mixed', 'dinov3'),
  rope_temperature: read,
  rope_rotate_half: read,
  rope_grid_offset: read,
  rope_grid_indexing: only('ij', 'xy'),
  ref_feat_shape: read,
  attn_pool_num_heads: read,
  attn_pool_mlp_ratio: same(({ width, poolingMlpWidth }, value) =>
    Math.trunc(width * Number(value)) === poolingMlpWidth ? value : poolingMlpWidth / width,
  ),
  swiglu_align_to: unused('the tensors are of the right width'),
  pos_embed_grid_size: unused('the position embedding tells'),
  // SiLU is that of a SwiGLU, and of nothing else here.
  act_layer: same(({ mlp }, value) => (value === 'silu' && mlp !== 'swiglu' ? mlp : value)),
  norm_layer: same(({ norm }) => (norm === 'rms' ? 'rmsnorm' : 'layernorm')),
  mlp_layer: same(({ mlp }, value) => (value === (mlp === 'swiglu' ? 'SwiGLU' : 'Mlp') ? value : mlp)),
  attn_layer: only('Attention'),
  block_fn: only('Block'),
  embed_layer: only('PatchEmbed'),
  embed_norm_layer: same(({ norm, patchNorm }, value) =>
    patchNorm && /rms/i.test(String(value)) === (norm === 'rms') ? value : patchNorm,
  ),
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
  // Rounded up, as DINOv3 has it.
  if (mlp === 'swiglu' && mlpWidth - hidden >= 0 && mlpWidth - hidden < 64) return value;
  // A packed SwiGLU halves its hidden layer.
  const fits = hidden === mlpWidth || (mlp === 'swiglu' && Math.trunc(hidden / 2) === mlpWidth);
  return fits ? value : mlpWidth / width;
}
