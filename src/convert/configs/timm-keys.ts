/**
 * The keys of timm's config.json, and the arguments of its `VisionTransformer`, `Beit`, `Eva` and `NaFlexVit` (timm/models/
 * vision_transformer.py, beit.py, eva.py, naflexvit.py): a new argument that this version can run is a line here, and in the
 * list of its class.
 */
import type { Dimensions } from '../tensor-dimensions.ts';
import { each, type Keys, only, read, same, square, training, unused } from './known-keys.ts';

/** A name. */
const name = unused;
/** Where the weights come from. */
const download = unused;
/** Of images of other sizes than the checkpoint was trained for. */
const otherSizes = unused;

/** `pretrained_cfg`; in older files these stand at the top. */
export const PRETRAINED_CFG: Keys = {
  ...each('url file hf_hub_id hf_hub_filename source custom_load mirror_url origin_url', download),
  ...each('paper_ids paper_name license notes description architecture', name),
  tag: read,
  num_classes: unused, // the one at the top counts
  label_offset: unused, // the classifier was cut when the file was made
  first_conv: name,
  classifier: name,
  ...each('input_size interpolation crop_pct crop_mode mean std', read),
  ...each('test_input_size test_crop_pct min_input_size fixed_input_size', otherSizes),
  pool_size: name,
  ...each('label_names label_descriptions labels', read),
};

/** Of the file itself. */
export const TOP: Keys = {
  ...PRETRAINED_CFG,
  ...each('architecture model_args pretrained_cfg', read),
  num_classes: same(({ classes }, value) => (value === 0 ? value : classes)),
  num_features: same(({ width }) => width),
  global_pool: read,
  // As transformers wraps these models.
  do_pooling: only(true),
};

/** Of all classes. */
const ARGS: Keys = {
  img_size: read,
  // Convolutions before the projection have their own.
  patch_size: same(({ patchSize, stem }, value) => (stem.length > 0 ? value : square(patchSize, value))),
  in_chans: same(({ channels }) => channels),
  num_classes: same(({ classes }) => classes),
  global_pool: read,
  embed_dim: same(({ width }) => width),
  depth: same(({ depth }) => depth),
  num_heads: same(({ heads }, value) => heads ?? value),
  mlp_ratio: same(mlpRatio),
  qkv_bias: same(({ qkvBias }) => qkvBias),
  qkv_fused: unused, // the names of the tensors show it
  qk_norm: same(({ qkNorm }) => qkNorm),
  // Zeros are none.
  proj_bias: unused, // the tensors show it
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
  // Learned frequencies are tensors.
  rope_type: same(({ frequencies }, value) => ((value === 'mixed') === (frequencies !== null) ? value : 'cat')),
  ...each('rope_temperature rope_rotate_half rope_grid_offset', read),
  rope_grid_indexing: only('ij', 'xy'),
  ref_feat_shape: read,
  attn_pool_num_heads: read,
  attn_pool_mlp_ratio: same(({ width, poolingMlpWidth }, value) =>
    Math.trunc(width * Number(value)) === poolingMlpWidth ? value : poolingMlpWidth / width,
  ),
  swiglu_align_to: unused, // the tensors are of the right width
  pos_embed_grid_size: same(({ positions }, value) => (sizeOfGrid(value) === positions ? value : positions)),
  // SiLU is that of a SwiGLU, and of nothing else here.
  act_layer: same(({ mlp }, value) => ((value === 'silu') === (mlp === 'swiglu') ? value : mlp)),
  norm_layer: same(({ norm }) => (norm === 'rms' ? 'rmsnorm' : 'layernorm')),
  mlp_layer: same(({ mlp }, value) => (value === (mlp === 'swiglu' ? 'SwiGLU' : 'Mlp') ? value : mlp)),
  attn_layer: only('Attention'),
  block_fn: only('Block'),
  embed_layer: only('PatchEmbed'),
  embed_norm_layer: same(({ norm, patchNorm }, value) =>
    patchNorm && /rms/i.test(String(value)) === (norm === 'rms') ? value : patchNorm,
  ),
  distilled: same(({ distillationToken }) => distillationToken),
  ...each('dynamic_img_size dynamic_img_pad strict_img_size', otherSizes),
  ...each(
    'drop_rate pos_drop_rate patch_drop_rate proj_drop_rate attn_drop_rate drop_path_rate weight_init fix_init head_init_scale',
    training,
  ),
};

/** Arguments that every class takes. */
const COMMON =
  'img_size patch_size in_chans num_classes global_pool embed_dim depth num_heads qkv_bias mlp_ratio init_values ' +
  'drop_rate pos_drop_rate proj_drop_rate attn_drop_rate drop_path_rate norm_layer';

const TRANSFORMER =
  'qk_norm scale_attn_norm scale_mlp_norm proj_bias class_token no_embed_class reg_tokens pos_embed pre_norm final_norm ' +
  'fc_norm pool_include_prefix dynamic_img_size dynamic_img_pad strict_img_size patch_drop_rate weight_init fix_init ' +
  'embed_layer embed_norm_layer act_layer block_fn mlp_layer attn_layer distilled';

const ROTARY = 'rope_type rope_temperature rope_rotate_half rope_grid_offset rope_grid_indexing ref_feat_shape';

/** What a class takes besides. */
const OTHERS = {
  VisionTransformer: TRANSFORMER,
  NaFlexVit: `${TRANSFORMER} pos_embed_grid_size attn_pool_num_heads attn_pool_mlp_ratio qkv_fused`,
  Beit: 'swiglu_mlp scale_mlp use_abs_pos_emb use_rel_pos_bias use_shared_rel_pos_bias head_init_scale',
  Eva:
    'qkv_fused swiglu_mlp swiglu_align_to scale_mlp scale_attn_inner attn_type class_token num_reg_tokens no_embed_class ' +
    `use_abs_pos_emb use_rot_pos_emb ${ROTARY} use_post_norm use_pre_transformer_norm use_post_transformer_norm ` +
    'use_fc_norm attn_pool_num_heads attn_pool_mlp_ratio dynamic_img_size dynamic_img_pad patch_drop_rate head_init_scale',
};

export type TimmClass = keyof typeof OTHERS;

/** `model_args` of a class: what another class alone takes is as strange to it as what nobody knows. */
export function argumentsOf(model: TimmClass): Keys {
  const known = `${COMMON} ${OTHERS[model]}`.split(' ').map((key) => [key, ARGS[key]]);
  return { ...Object.fromEntries(known), ...(model === 'Eva' && { mlp_ratio: same(evaMlpRatio) }) };
}

/** A packed SwiGLU halves its hidden layer. */
function mlpRatio({ width, mlpWidth, mlp, packedMlp }: Dimensions, value: unknown): unknown {
  const hidden = Math.trunc(width * Number(value));
  const fits = hidden === mlpWidth || (mlp === 'swiglu' && packedMlp && Math.trunc(hidden / 2) === mlpWidth);
  return fits ? value : mlpWidth / width;
}

/** The width of a SwiGLU may be rounded up (`swiglu_align_to`). */
function evaMlpRatio({ width, mlpWidth, mlp }: Dimensions, value: unknown): unknown {
  const rounding = mlpWidth - Math.trunc(width * Number(value));
  const fits = rounding === 0 || (mlp === 'swiglu' && rounding > 0 && rounding < 64);
  return fits ? value : mlpWidth / width;
}

function sizeOfGrid(value: unknown): number | undefined {
  return Array.isArray(value) ? value[0] * value[1] : undefined;
}
