/**
 * The keys of transformers' config.json, by `model_type`, and the defaults of those that a file may leave out. A model that
 * is not here is refused by its name; a new one is an entry in `MODELS` or `TOWERS`, and its classes in a family's `models`.
 */
import type { Dimensions } from '../tensor-dimensions.ts';
import { each, type Key, type Keys, only, read, same, square, training, unused } from './known-keys.ts';

/** What a model's config class takes for a key that is not in the file. */
export type Defaults = Record<'num_attention_heads' | 'layer_norm_eps', number> & {
  hidden_act: string;
  /** Left out where the position embedding shows it. */
  image_size?: number;
  /** Whether its MLP may be a SwiGLU. */
  gated?: true;
};

export interface KnownModel {
  /** The names of its classes begin so: `ViT` -> `ViTForImageClassification`. */
  name: string;
  /** The class of its preprocessing, without `ImageProcessor`. */
  imageProcessor: string;
  defaults: Defaults;
  keys: Keys;
  /** What its epsilon is called. */
  epsilonKey?: 'rms_norm_eps';
}

/** Two towers: `vision_config` and `text_config` are configs of their own. */
export interface KnownTowers {
  name: string;
  /** Key of `MODELS`. */
  vision: string;
  text: TextDefaults;
}

export interface TextDefaults extends Omit<Defaults, 'image_size'> {
  pad_token_id: number;
  /** Left out where no token ends a text, but the last one is taken. */
  eos_token_id?: number;
  /** An id of the end that old files say in place of the highest one. */
  legacy_eos_token_id?: number;
  causal: boolean;
}

/** Only language models read it. */
const text = unused;
/** Only the backbone class reads it. */
const backbone = unused;
/** Only segmentation reads it. */
const segmentation = unused;
/** Only the modelling of masked images reads it. */
const maskedModelling = unused;
/** Only training masks patches. */
const masks = unused;

/** Of every config (transformers/configuration_utils.py). */
export const COMMON: Keys = {
  architectures: read,
  model_type: read,
  id2label: read,
  problem_type: read,
  label2id: unused, // id2label says the same
  num_labels: same(({ classes }, value) => classes || value),
  ...each('dtype torch_dtype use_bfloat16', unused), // each tensor has a type of its own
  transformers_version: unused, // the names of the tensors show the version
  ...each('_name_or_path name_or_path _commit_hash finetuning_task', unused), // a name
  ...each('return_dict output_hidden_states output_attentions torchscript', unused), // of the form of the result
  ...each(
    '_attn_implementation _attn_implementation_autoset attn_implementation chunk_size_feed_forward',
    unused, // the same numbers in another way
  ),
  ...each('gradient_checkpointing tf_legacy_loss', training),
  // Heads that were cut away would leave other shapes.
  pruned_heads: only({}),
  // A model of the repository's own code.
  auto_map: only(),
  quantization_config: only(),
  ...each(
    'is_encoder_decoder is_decoder cross_attention_hidden_size add_cross_attention tie_encoder_decoder ' +
      'tie_word_embeddings tokenizer_class prefix bos_token_id sep_token_id decoder_start_token_id pad_token_id ' +
      'eos_token_id task_specific_params use_cache ' +
      // Of generating text.
      'max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k ' +
      'top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size ' +
      'bad_words_ids num_return_sequences output_scores return_dict_in_generate forced_bos_token_id ' +
      'forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens ' +
      'begin_suppress_tokens',
    text,
  ),
};

const ENCODER: Keys = {
  hidden_size: same(({ width }) => width),
  num_hidden_layers: same(({ depth }) => depth),
  num_attention_heads: same(({ heads }, value) => heads ?? value),
  hidden_act: read,
  layer_norm_eps: read,
  image_size: read,
  patch_size: same(({ patchSize }, value) => square(patchSize, value)),
  num_channels: same(({ channels }) => channels),
  ...each(
    'attention_probs_dropout_prob hidden_dropout_prob attention_dropout dropout drop_path_rate initializer_range initializer_factor',
    training,
  ),
};

const intermediateSize: Key = same(({ mlpWidth }) => mlpWidth);
const qkvBias: Key = same(({ qkvBias }) => qkvBias);

const VIT: Keys = {
  ...ENCODER,
  intermediate_size: intermediateSize,
  qkv_bias: qkvBias,
  pooler_output_size: same(({ representation }, value) => representation || value),
  pooler_act: only('tanh'),
  encoder_stride: maskedModelling,
};

const VIT_MAE: Keys = {
  ...VIT,
  mask_ratio: masks,
  norm_pix_loss: training,
  ...each(
    'decoder_num_attention_heads decoder_hidden_size decoder_num_hidden_layers decoder_intermediate_size',
    maskedModelling,
  ),
};

const DINOV2: Keys = {
  ...ENCODER,
  qkv_bias: qkvBias,
  mlp_ratio: same((dimensions, value) => dinov2Ratio(dimensions, value)),
  use_swiglu_ffn: same(({ mlp }) => mlp === 'swiglu'),
  num_register_tokens: same(({ registerTokens }) => registerTokens),
  layerscale_value: unused, // where training began
  use_mask_token: masks,
  ...each('apply_layernorm out_features out_indices stage_names reshape_hidden_states', backbone),
};

const BEIT: Keys = {
  ...ENCODER,
  intermediate_size: intermediateSize,
  use_absolute_position_embeddings: same(({ positions }) => positions !== null),
  use_relative_position_bias: same(({ relativePositionBias }) => relativePositionBias === 'per-block'),
  use_shared_relative_position_bias: same(({ relativePositionBias }) => relativePositionBias === 'shared'),
  layer_scale_init_value: same(({ layerScale }, value) => (layerScale === (value as number) > 0 ? value : layerScale)),
  use_mean_pooling: same(({ finalNorm }) => finalNorm === 'pooled'),
  use_mask_token: masks,
  vocab_size: maskedModelling,
  out_features: backbone,
  out_indices: segmentation,
  ...each('stage_names reshape_hidden_states add_fpn', backbone),
  ...each(
    'pool_scales use_auxiliary_head auxiliary_loss_weight auxiliary_channels auxiliary_num_convs auxiliary_concat_input semantic_loss_ignore_index',
    segmentation,
  ),
};

const CLIP_VISION: Keys = {
  ...ENCODER,
  intermediate_size: intermediateSize,
  projection_dim: same(({ projection }, value) => projection || value),
};

const SIGLIP_VISION: Keys = {
  ...ENCODER,
  intermediate_size: intermediateSize,
  vision_use_head: same(({ pooling, classes }, value) => (classes > 0 ? value : pooling === 'attention')),
};

const DINOV3: Keys = {
  ...ENCODER,
  hidden_act: same(({ mlp }, value) => ((value === 'silu') === (mlp === 'swiglu') ? value : null)),
  intermediate_size: intermediateSize,
  num_register_tokens: same(({ registerTokens }) => registerTokens),
  rope_theta: read,
  query_bias: qkvBias,
  value_bias: qkvBias,
  key_bias: only(false),
  proj_bias: only(true),
  mlp_bias: only(true),
  use_gated_mlp: same(({ mlp }) => mlp === 'swiglu'),
  layerscale_value: unused, // where training began
  ...each('pos_embed_shift pos_embed_jitter pos_embed_rescale', training),
  ...each('apply_layernorm out_features out_indices stage_names reshape_hidden_states', backbone),
};

const AIMV2: Keys = {
  ...ENCODER,
  intermediate_size: intermediateSize,
  rms_norm_eps: read,
  hidden_act: only('silu'),
  qkv_bias: qkvBias,
  mlp_bias: only(false),
  use_head: same(({ pooling }) => pooling === 'attention'),
  is_native: read,
};

const SIGLIP2_VISION: Keys = {
  ...SIGLIP_VISION,
  patch_size: read,
  num_patches: same(({ positions }) => positions),
};

/** Of a text tower. */
export const TEXT: Keys = {
  vocab_size: same(({ text }, value) => text?.vocabulary ?? value),
  hidden_size: same(({ text }, value) => text?.width ?? value),
  intermediate_size: same(({ text }, value) => text?.mlpWidth ?? value),
  num_hidden_layers: same(({ text }, value) => text?.depth ?? value),
  max_position_embeddings: same(({ text }, value) => text?.tokens ?? value),
  projection_dim: unused, // the one of the whole model counts
  projection_size: same(({ text }, value) => text?.projection ?? value),
  num_attention_heads: read,
  hidden_act: same(({ text }, value) => (text?.mlp === 'swiglu' ? 'silu' : value)),
  layer_norm_eps: read,
  rms_norm_eps: read,
  qkv_bias: only(false),
  mlp_bias: only(false),
  eos_token_id: read,
  pad_token_id: read,
  ...each('attention_dropout dropout initializer_range initializer_factor', training),
};

/** Of a file with two towers, beside them. */
export const BESIDE_TOWERS: Keys = {
  vision_config: read,
  text_config: read,
  // Files of old versions, where it takes precedence.
  vision_config_dict: only(),
  text_config_dict: only(),
  projection_dim: same(({ projection }, value) => projection || value),
  logit_scale_init_value: unused, // where training began
  max_logit_scale: only(100),
  initializer_factor: training,
};

/** Of a tower that is part of a file with two. */
export const WITHIN_TOWERS: Keys = { projection_dim: unused }; // the one of the whole model counts

const VIT_DEFAULTS = { num_attention_heads: 12, layer_norm_eps: 1e-12, hidden_act: 'gelu', image_size: 224 };
const AIMV2_DEFAULTS = {
  num_attention_heads: 8,
  layer_norm_eps: 1e-5,
  hidden_act: 'silu',
  image_size: 224,
  gated: true,
} as const;
const CLIP_DEFAULTS = { ...VIT_DEFAULTS, layer_norm_eps: 1e-5, hidden_act: 'quick_gelu' };

export const MODELS: Record<string, KnownModel> = {
  vit: { name: 'ViT', imageProcessor: 'ViT', defaults: VIT_DEFAULTS, keys: VIT },
  deit: { name: 'DeiT', imageProcessor: 'DeiT', defaults: VIT_DEFAULTS, keys: VIT },
  vit_msn: { name: 'ViTMSN', imageProcessor: 'ViT', defaults: { ...VIT_DEFAULTS, layer_norm_eps: 1e-6 }, keys: VIT },
  vit_mae: { name: 'ViTMAE', imageProcessor: 'ViT', defaults: VIT_DEFAULTS, keys: VIT_MAE },
  beit: { name: 'Beit', imageProcessor: 'Beit', defaults: VIT_DEFAULTS, keys: BEIT },
  'data2vec-vision': { name: 'Data2VecVision', imageProcessor: 'Beit', defaults: VIT_DEFAULTS, keys: BEIT },
  dinov2: { name: 'Dinov2', imageProcessor: 'Bit', defaults: { ...VIT_DEFAULTS, layer_norm_eps: 1e-6 }, keys: DINOV2 },
  dinov2_with_registers: {
    name: 'Dinov2WithRegisters',
    imageProcessor: 'Bit',
    defaults: { ...VIT_DEFAULTS, layer_norm_eps: 1e-6 },
    keys: DINOV2,
  },
  clip_vision_model: { name: 'CLIPVision', imageProcessor: 'CLIP', defaults: CLIP_DEFAULTS, keys: CLIP_VISION },
  metaclip_2_vision_model: {
    name: 'MetaClip2Vision',
    imageProcessor: 'CLIP',
    defaults: CLIP_DEFAULTS,
    keys: CLIP_VISION,
  },
  dinov3_vit: {
    name: 'DINOv3ViT',
    imageProcessor: 'DINOv3ViT',
    defaults: { ...VIT_DEFAULTS, num_attention_heads: 6, layer_norm_eps: 1e-5, gated: true },
    keys: DINOV3,
  },
  aimv2_vision_model: {
    name: 'Aimv2',
    imageProcessor: 'CLIP',
    defaults: AIMV2_DEFAULTS,
    keys: AIMV2,
    epsilonKey: 'rms_norm_eps',
  },
  ijepa: { name: 'IJepa', imageProcessor: 'ViT', defaults: VIT_DEFAULTS, keys: VIT },
  siglip2_vision_model: {
    name: 'Siglip2',
    imageProcessor: 'Siglip2',
    defaults: { num_attention_heads: 12, layer_norm_eps: 1e-6, hidden_act: 'gelu_pytorch_tanh' },
    keys: SIGLIP2_VISION,
  },
  siglip_vision_model: {
    name: 'SiglipVision',
    imageProcessor: 'Siglip',
    defaults: { ...VIT_DEFAULTS, layer_norm_eps: 1e-6, hidden_act: 'gelu_pytorch_tanh' },
    keys: SIGLIP_VISION,
  },
};

const CLIP_TEXT: TextDefaults = {
  num_attention_heads: 8,
  layer_norm_eps: 1e-5,
  hidden_act: 'quick_gelu',
  pad_token_id: 1,
  eos_token_id: 49407,
  causal: true,
};

const SIGLIP_TEXT: TextDefaults = {
  num_attention_heads: 12,
  layer_norm_eps: 1e-6,
  hidden_act: 'gelu_pytorch_tanh',
  pad_token_id: 1,
  causal: false,
};

export const TOWERS: Record<string, KnownTowers> = {
  clip: { name: 'CLIP', vision: 'clip_vision_model', text: { ...CLIP_TEXT, legacy_eos_token_id: 2 } },
  metaclip_2: { name: 'MetaClip2', vision: 'metaclip_2_vision_model', text: CLIP_TEXT },
  siglip: { name: 'Siglip', vision: 'siglip_vision_model', text: SIGLIP_TEXT },
  siglip2: { name: 'Siglip2', vision: 'siglip2_vision_model', text: SIGLIP_TEXT },
  aimv2: {
    name: 'Aimv2',
    vision: 'aimv2_vision_model',
    text: {
      num_attention_heads: 6,
      layer_norm_eps: 1e-5,
      hidden_act: 'silu',
      gated: true,
      pad_token_id: 0,
      eos_token_id: 49407,
      causal: true,
    },
  },
};

/** Of DINOv2's MLP: a SwiGLU has two thirds of the ratio, rounded up to a multiple of 8. */
function dinov2Ratio({ width, mlpWidth, mlp }: Dimensions, value: unknown): unknown {
  const hidden = Math.trunc(width * Number(value));
  const expected = mlp === 'swiglu' ? Math.ceil(Math.trunc((hidden * 2) / 3) / 8) * 8 : hidden;
  return expected === mlpWidth ? value : mlpWidth / width;
}
