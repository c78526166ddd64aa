/**
 * Every key of every kind of config, changed to another value that its library takes, and every argument that a library has
 * besides: the outcome is another model or a refusal, never the same model without a word. The keys that do not matter are
 * listed, each with its reason.
 */
import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { convertCheckpoint } from '../../src/convert/convert.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import { ViTError } from '../../src/error.ts';
import { fixtureJson, openFixture } from '../harness/checkpoints.ts';
import { fieldJson, type Json, modelFolder, openField, preprocessFor } from '../harness/field.ts';

interface Case {
  checkpoint: Checkpoint;
  config: Json;
  size: number;
  /** Where no key of the config says it. */
  heads?: number;
  /** Arguments of the library that the file does not have, at values that are not their defaults: path -> value. */
  more?: Json;
}

const training = 'only training reads it';
const form = 'of the form of the result';
const name = 'a name';

/** By the last part of a key's path. */
const DOES_NOT_MATTER: Record<string, string> = {
  label2id: 'id2label says the same',
  dtype: 'each tensor has a type of its own',
  torch_dtype: 'each tensor has a type of its own',
  transformers_version: name,
  attention_probs_dropout_prob: training,
  hidden_dropout_prob: training,
  attention_dropout: training,
  drop_path_rate: training,
  drop_rate: training,
  initializer_range: training,
  initializer_factor: training,
  logit_scale_init_value: training,
  init_logit_scale: training,
  layerscale_value: training,
  layer_scale_init_value: training,
  weight_init: training,
  patch_dropout: training,
  use_mask_token: training,
  encoder_stride: 'of the decoder of masked images',
  vocab_size: 'of the decoder of masked images',
  pooler_output_size: 'the model has no pooler',
  apply_layernorm: 'of the backbone class',
  out_features: 'of the backbone class',
  out_indices: 'of the backbone class',
  stage_names: 'of the backbone class',
  reshape_hidden_states: 'of the backbone class',
  add_fpn: 'of the backbone class',
  pool_scales: 'of segmentation',
  use_auxiliary_head: 'of segmentation',
  auxiliary_channels: 'of segmentation',
  auxiliary_concat_input: 'of segmentation',
  auxiliary_loss_weight: 'of segmentation',
  auxiliary_num_convs: 'of segmentation',
  semantic_loss_ignore_index: 'of segmentation',
  bos_token_id: 'the token that begins a text is the caller’s',
  tag: 'the activation is given',
  fixed_input_size: 'of other sizes',
  dynamic_img_size: 'of other sizes',
  test_input_size: 'of other sizes',
  custom_text: 'the names of the tensors say it',
  cast_dtype: 'each tensor has a type of its own',
  output_tokens: form,
  return_dict: form,
  qkv_fused: 'the names of the tensors say it',
  proj_bias: 'the tensors say it: zeros are none',
  attn_type: 'the same numbers in another way, without rotary positions',
  rope_type: 'the model has no rotary positions',
  rope_temperature: 'the model has no rotary positions',
  rope_grid_offset: 'the model has no rotary positions',
  rope_grid_indexing: 'the model has no rotary positions',
  rope_rotate_half: 'the model has no rotary positions',
  ref_feat_shape: 'the model has no rotary positions',
  attn_pool_num_heads: 'the model does not pool by attention',
};

/** By the whole path. */
const DOES_NOT_MATTER_THERE: Record<string, string> = {
  'text_config.projection_dim': 'the one of the whole model counts',
  'vision_config.projection_dim': 'the one of the whole model counts',
  'text_config.vocab_size': 'of a class without text tower',
  'text_config.eos_token_id': 'SigLIP takes the last token',
};

const timmBase = (more: Json = {}): Json => ({
  architecture: 'vit_tiny_patch16_224',
  num_classes: 7,
  num_features: 48,
  global_pool: 'token',
  model_args: { img_size: 32, patch_size: 8, embed_dim: 48, depth: 2, num_heads: 3, num_classes: 7, ...more },
  pretrained_cfg: {
    tag: 'test',
    input_size: [3, 32, 32],
    fixed_input_size: true,
    interpolation: 'bicubic',
    crop_pct: 1,
    crop_mode: 'center',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
});

/** Arguments of timm's `VisionTransformer`, `Eva` and `Beit` (timm 1.0), none at its default. */
const TIMM_ARGS: Json = {
  in_chans: 1,
  mlp_ratio: 3,
  qkv_bias: false,
  qk_norm: true,
  scale_attn_norm: true,
  scale_mlp_norm: true,
  proj_bias: false,
  init_values: 1e-5,
  class_token: false,
  pos_embed: 'none',
  no_embed_class: true,
  reg_tokens: 4,
  pre_norm: true,
  final_norm: false,
  fc_norm: true,
  global_pool: 'map',
  dynamic_img_size: true,
  drop_rate: 0.1,
  weight_init: 'jax',
  embed_layer: 'HybridEmbed',
  embed_norm_layer: 'layernorm',
  norm_layer: 'rmsnorm',
  act_layer: 'quick_gelu',
  block_fn: 'ResPostBlock',
  mlp_layer: 'SwiGLU',
  attn_layer: 'DiffAttention',
  attn_type: 'rope',
  use_rot_pos_emb: true,
  rope_type: 'mixed',
  rope_temperature: 100,
  rope_grid_offset: 1,
  rope_grid_indexing: 'xy',
  rope_rotate_half: true,
  swiglu_mlp: true,
  scale_mlp: true,
  scale_attn_inner: true,
  qkv_fused: false,
  use_post_norm: true,
  use_pre_transformer_norm: true,
  use_post_transformer_norm: false,
  use_fc_norm: true,
  use_abs_pos_emb: false,
  use_rel_pos_bias: true,
  use_shared_rel_pos_bias: true,
  num_reg_tokens: 4,
  attn_pool_num_heads: 8,
  ref_feat_shape: [16, 16],
  an_argument_of_tomorrow: true,
};

const under = (path: string, values: Json) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${path}.${key}`, value]));

/** Of every config of transformers. */
const HF_MORE: Json = {
  problem_type: 'multi_label_classification',
  quantization_config: { bits: 4 },
  auto_map: { AutoModel: 'modeling.MyModel' },
  pruned_heads: { 1: [0] },
  return_dict: false,
  a_key_of_tomorrow: 1,
};

const BEIT_ARGS = { use_shared_relative_position_bias: true };

const OPEN_CLIP: Json = {
  model_cfg: {
    embed_dim: 24,
    quick_gelu: true,
    vision_cfg: { image_size: 32, patch_size: 8, width: 48, layers: 2, head_width: 16 },
    text_cfg: { context_length: 16, vocab_size: 64, width: 48, heads: 3, layers: 2 },
  },
  preprocess_cfg: {
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    interpolation: 'bicubic',
    resize_mode: 'squash',
  },
};

const OPEN_CLIP_MORE: Json = {
  'model_cfg.custom_text': true,
  'model_cfg.init_logit_scale': 1,
  'model_cfg.multimodal_cfg': { depth: 2 },
  ...under('model_cfg.vision_cfg', {
    mlp_ratio: 3,
    ls_init_value: 1e-5,
    attentional_pool: true,
    no_ln_pre: true,
    pos_embed_type: 'sin_cos_2d',
    final_ln_after_pool: true,
    pool_type: 'avg',
    patch_dropout: 0.5,
    output_tokens: true,
    act_kwargs: { approximate: 'tanh' },
    norm_kwargs: { eps: 1e-6 },
    timm_model_name: 'vit_base_patch16_224',
    qk_norm: true,
    tomorrow: 1,
  }),
  ...under('model_cfg.text_cfg', {
    mlp_ratio: 3,
    embed_cls: true,
    pad_id: 1,
    no_causal_mask: true,
    pool_type: 'last',
    proj_bias: true,
    proj_type: 'mlp',
    final_ln_after_pool: true,
    act_kwargs: { approximate: 'tanh' },
    norm_kwargs: { eps: 1e-6 },
    hf_model_name: 'roberta-base',
  }),
  'preprocess_cfg.mode': 'L',
  'preprocess_cfg.size': 64,
};

const fixture = async (family: string, more: Json = HF_MORE, size = 32): Promise<Case> => ({
  checkpoint: await openFixture(family),
  config: fixtureJson(`${family}/config.json`),
  size,
  more,
});

const model = async (folder: string, more: Json = HF_MORE): Promise<Case> => ({
  checkpoint: await openField(`${modelFolder(folder)}/model.safetensors`),
  config: fieldJson(`${modelFolder(folder)}/config.json`),
  size: 32,
  more,
});

const CASES: Record<string, Case> = {
  'transformers: ViT': await fixture('hf-vit'),
  'transformers: DeiT with teacher': await fixture('hf-deit-teacher'),
  'transformers: BEiT': await fixture('hf-beit', { ...HF_MORE, ...BEIT_ARGS }),
  'transformers: Data2Vec': await model('hf-data2vec-vision'),
  'transformers: DINOv2': await fixture('hf-dinov2'),
  'transformers: DINOv2 with registers': await fixture('hf-dinov2-registers-swiglu'),
  'transformers: CLIP': await fixture('hf-clip'),
  'transformers: CLIP classifier': await model('hf-clip-classification'),
  'transformers: CLIP with projection': await model('hf-clip-vision-projection'),
  'transformers: SigLIP': await fixture('hf-siglip', HF_MORE, 16),
  'transformers: SigLIP vision': await fixture('hf-siglip-vision', { ...HF_MORE, vision_use_head: false }),
  'transformers: SigLIP classifier': await model('hf-siglip-classification'),
  'transformers: ViT-MSN': await model('hf-vitmsn'),
  timm: {
    checkpoint: await openFixture('timm-vit'),
    config: timmBase(),
    size: 32,
    more: { ...under('model_args', TIMM_ARGS), 'pretrained_cfg.tomorrow': 1, tomorrow: 1 },
  },
  open_clip: { checkpoint: await openClip(), config: OPEN_CLIP, size: 32, more: OPEN_CLIP_MORE },
};

/** The CLIP of transformers under open_clip's names. */
async function openClip(): Promise<Checkpoint> {
  const { openAiNames, tensorsOf, checkpointOf } = await import('../harness/layouts.ts');
  const { convertInMemory } = await import('../harness/checkpoints.ts');
  const { manifest, tensors } = await convertInMemory(await openFixture('hf-clip'), {
    config: fixtureJson('hf-clip/config.json'),
  });
  const numbers = { logit_scale: manifest.architecture.text!.logitScale };
  const all = openAiNames(tensorsOf(manifest.tensors, tensors as Map<string, Float32Array<ArrayBuffer>>), numbers);
  for (const mark of ['input_resolution', 'context_length', 'vocab_size']) all.delete(mark);
  return checkpointOf(all);
}

/** Other values of strings that are enumerations of a library. */
const STRINGS: Record<string, string[]> = {
  model_type: ['vit_msn', 'beit', 'dinov3_vit', 'aimv2'],
  hidden_act: ['relu', 'quick_gelu', 'gelu', 'silu'],
  pooler_act: ['gelu'],
  problem_type: ['multi_label_classification', 'regression'],
  dtype: ['bfloat16'],
  torch_dtype: ['bfloat16'],
  transformers_version: ['4.0.0'],
  architecture: [
    'vit_tiny_patch16_clip_224',
    'vit_base_patch16_siglip_224',
    'vit_small_patch14_dinov2',
    'vit_base_patch16_rpn_224',
    'vit_small_patch16_18x2_224',
    'vit_small_patch16_dinov3',
    'vit_pe_core_base_patch16_224',
    'vit_tiny_patch16_rope_224',
    'vit_base_patch16_xp_224',
    'vit_dlittle_patch16_reg1_gap_256',
    'vit_medium_patch16_reg4_gap_256',
    'eva02_tiny_patch14_224',
    'eva02_enormous_patch14_clip_224',
    'deit_tiny_distilled_patch16_224',
    'deit3_small_patch16_224',
    'beit_base_patch16_224',
    'resnet50',
  ],
  global_pool: ['avg', 'map', 'avgmax', 'max', ''],
  tag: ['other'],
  interpolation: ['bilinear'],
  crop_mode: ['squash', 'border'],
  resize_mode: ['shortest'],
};

/** Other values that a library takes in place of this one. */
function others(path: string, value: unknown): unknown[] {
  const key = path.split('.').pop()!;
  if (key === 'architectures') return OTHER_CLASSES.filter((other) => String(other) !== String(value));
  if (key === 'id2label') return [{ ...(value as object), 0: 'another' }];
  if (key === 'label2id') return [{}];
  if (key === 'stage_names' || key === 'out_features') return [['stem']];
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number') return [value === 0 ? 1 : value * 2];
  if (typeof value === 'string') {
    if (!STRINGS[key]) throw new Error(`What else may ${path} be?`);
    return STRINGS[key].filter((other) => other !== value);
  }
  return [(value as number[]).map((one) => one * 2)];
}

const OTHER_CLASSES = [
  ['ViTModel'],
  ['ViTForMaskedImageModeling'],
  ['DeiTForImageClassification'],
  ['BeitForSemanticSegmentation'],
  ['Dinov2Backbone'],
  ['CLIPVisionModel'],
  ['CLIPModel'],
  ['SiglipModel'],
  ['SiglipVisionModel'],
  ['MyOwnViT'],
];

function* changes(config: Json, path = ''): Generator<[path: string, value: unknown]> {
  for (const [key, value] of Object.entries(config)) {
    if (value === null) continue;
    const here = path ? `${path}.${key}` : key;
    if (here.endsWith('text_config.model_type') || here.endsWith('vision_config.model_type')) continue;
    const isFile = typeof value === 'object' && !Array.isArray(value) && !/2id$|2label$/.test(key);
    if (isFile) yield* changes(value as Json, here);
    else for (const other of others(here, value)) yield [here, other];
  }
}

function changed(config: Json, path: string, value: unknown): Json {
  const copy = structuredClone(config);
  const keys = path.split('.');
  const last = keys.pop()!;
  let place = copy;
  for (const key of keys) {
    place[key] ??= {};
    place = place[key] as Json;
  }
  place[last] = value;
  return copy;
}

/** All that the config decides: what the network, its pixels and its scores are. */
async function outcome({ checkpoint, heads, size }: Case, config: Json): Promise<string> {
  const isOwn = 'model_cfg' in config || 'pretrained_cfg' in config;
  try {
    // The transforms of timm and open_clip are in the same file.
    const preprocess = isOwn ? undefined : preprocessFor(size, size);
    const sink = new MemorySink();
    const options = { name: 'field', config, heads, preprocess };
    const {
      architecture,
      preprocess: pixels,
      labels,
      problemType,
    } = await convertCheckpoint(checkpoint, sink, options);
    return JSON.stringify({ architecture, pixels, labels, problemType });
  } catch (error) {
    if (error instanceof ViTError) return error.message;
    throw error;
  }
}

for (const [title, one] of Object.entries(CASES)) {
  describe(title, async () => {
    const usual = await outcome(one, one.config);

    test('is converted as it stands', () => expect(usual).toContain('"architecture"'));

    const hasText = [...one.checkpoint.tensors.keys()].some((n) => n.includes('text'));
    const why = (path: string): string | undefined => {
      if (path.startsWith('text_config.') && !hasText) return 'the class has no text tower';
      if (path === 'projection_dim' && title === 'transformers: CLIP classifier') return 'the class has no projection';
      return DOES_NOT_MATTER_THERE[path] ?? DOES_NOT_MATTER[path.split('.').pop()!];
    };
    for (const [path, value] of [...changes(one.config), ...Object.entries(one.more ?? {})]) {
      test(`${path}: ${JSON.stringify(value)}`, async () => {
        const now = await outcome(one, changed(one.config, path, value));
        const reason = why(path);
        if (reason === undefined) expect(now).not.toBe(usual);
        else if (now.startsWith('{')) expect(now, reason).toBe(usual);
      });
    }
  });
}
