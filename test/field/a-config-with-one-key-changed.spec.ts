/**
 * Every key of every kind of config, changed to another value that its library takes, and every argument that a library has
 * besides: the outcome is another model or a refusal, never the same model without a word. The keys that do not matter are
 * listed, each with its reason.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { type ConvertOptions, convertCheckpoint } from '../../src/convert/convert.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import { ViTError } from '../../src/error.ts';
import { familyFixture, fixtureJson, openFixture } from '../harness/checkpoints.ts';
import { fieldJson, type Json, modelFolder, openField, preprocessFor } from '../harness/field.ts';

interface Case {
  checkpoint: Checkpoint;
  config: Json;
  /** What no key of the config says. */
  options: Partial<ConvertOptions>;
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
  init_values: training,
  init_logit_bias: training,
  timm_model_pretrained: training,
  pos_embed_rescale: training,
  mask_ratio: training,
  norm_pix_loss: training,
  decoder_num_attention_heads: 'of the decoder of masked images',
  decoder_hidden_size: 'of the decoder of masked images',
  decoder_num_hidden_layers: 'of the decoder of masked images',
  decoder_intermediate_size: 'of the decoder of masked images',
  swiglu_align_to: 'the tensors are of the right width',
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
};

/** By the last part of a key's path, in a model that has none of what it speaks of. */
const DOES_NOT_MATTER_WITHOUT: Record<string, (config: Json) => string | false> = {
  ...Object.fromEntries(
    [
      'attn_type',
      'rope_type',
      'rope_temperature',
      'rope_grid_offset',
      'rope_grid_indexing',
      'rope_rotate_half',
      'ref_feat_shape',
    ].map((key) => [key, (config: Json) => !isRotary(config) && 'the model has no rotary positions']),
  ),
  // Only of frequencies that are computed.
  rope_temperature: (config) => (!isRotary(config) || isMixed(config)) && 'the frequencies are a tensor',
  rope_grid_indexing: (config) => (!isRotary(config) || isMixed(config)) && 'the frequencies are a tensor',
  attn_type: () => 'the same numbers in another way',
  attn_pool_num_heads: (config) => argsOf(config).global_pool !== 'map' && 'the model does not pool by attention',
  no_embed_class: (config) =>
    (argsOf(config).class_token === false || argsOf(config).use_abs_pos_emb === false || isNaFlex(config)) &&
    'no token in front of the patches has a position, or there is none',
};

const argsOf = (config: Json) => (config.model_args ?? {}) as Json;
const isRotary = (config: Json) => argsOf(config).use_rot_pos_emb === true;
const isMixed = (config: Json) => argsOf(config).rope_type === 'mixed';
const isNaFlex = (config: Json) => String(config.architecture).startsWith('naflex');

/** Another name, of a model that is the same where `model_args` say all the rest. */
const SAME_KIND: [RegExp, string][] = [
  [/^eva02_base/, 'eva02_tiny_patch14_224'],
  [/^vit_small_patch16_rope/, 'vit_tiny_patch16_rope_224'],
  [/^vit_intern300m/, 'vit_small_patch14_dinov2'],
  [/^vit_intern300m/, 'deit3_small_patch16_224'],
  [/^vit_small.*_dinov3/, 'vit_small_patch16_dinov3'],
  [/^vit_(so150m|.*siglip)/, 'vit_base_patch16_siglip_224'],
  [/^vit_so150m_patch16_reg4/, 'vit_medium_patch16_reg4_gap_256'],
];

/** What an argument already is where it is not given. */
const DEFAULTS: [title: RegExp, key: string, value: unknown][] = [
  [/^timm-(avgmax|beit3)/, 'model_args.fc_norm', true],
  [/^timm-(eva02-(tiny|resampled)|rope-reg1-gap)/, 'model_args.use_fc_norm', true],
  [/^timm-naflex/, 'model_args.class_token', false],
  [/^timm-aimv2/, 'model_args.norm_layer', 'rmsnorm'],
  [/^open-clip/, 'model_cfg.vision_cfg.timm_pool', ''],
  [/^open-clip-mobileclip/, 'preprocess_cfg.size', 64],
];

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
    pad_id: 2,
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

const pixels = (size: number) => ({ preprocess: preprocessFor(size, size) });

const fixture = async (family: string, more: Json = HF_MORE, size = 32): Promise<Case> => ({
  checkpoint: await openFixture(family),
  config: fixtureJson(`${family}/config.json`),
  options: pixels(size),
  more,
});

const model = async (folder: string, more: Json = HF_MORE): Promise<Case> => ({
  checkpoint: await openField(`${modelFolder(folder)}/model.safetensors`),
  config: fieldJson(`${modelFolder(folder)}/config.json`),
  options: pixels(32),
  more,
});

const TIMM_MORE: Json = { ...under('model_args', TIMM_ARGS), 'pretrained_cfg.tomorrow': 1, tomorrow: 1 };

/** Of the goldens of whole models, with what their file does not say. */
async function family2(name: string): Promise<Case> {
  const { bytes, options } = await familyFixture(name);
  const { config, ...told } = options;
  const library = name.startsWith('timm') ? TIMM_MORE : name.startsWith('open-clip') ? OPEN_CLIP_MORE : HF_MORE;
  // The transforms of timm and open_clip are in the same file.
  const preprocess = library === HF_MORE ? told.preprocess : undefined;
  return {
    checkpoint: await openCheckpoint(bytesSource(bytes)),
    config: config as Json,
    options: { ...told, preprocess },
    more: library,
  };
}

const FAMILY2 = [
  ...['hf-aimv2-head', 'hf-aimv2-lit', 'hf-dinov3-swiglu', 'hf-ijepa-resampled', 'hf-metaclip2', 'hf-vitmae-encoder'],
  ...['hf-siglip2-naflex-resampled', 'hf-siglip2-naflex-text', 'timm-aimv2-resampled', 'timm-avgmax', 'timm-beit3'],
  ...['timm-dinov3-qkvb-token', 'timm-eva02-enormous-clip', 'timm-eva02-resampled', 'timm-eva02-tiny'],
  ...['timm-intern300m', 'timm-naflex-siglip', 'timm-pe-core-resampled', 'timm-pe-lang', 'timm-qk-norm'],
  ...['timm-rmsnorm-qk-norm-swiglu', 'timm-rope-axial-resampled', 'timm-rope-mixed-resampled', 'timm-rope-reg1-gap'],
  ...['timm-so150m-map', 'open-clip-eva02', 'open-clip-mobileclip-b', 'open-clip-pe-core', 'open-clip-siglip2'],
];

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
    options: {},
    more: TIMM_MORE,
  },
  open_clip: { checkpoint: await openClip(), config: OPEN_CLIP, options: {}, more: OPEN_CLIP_MORE },
  ...Object.fromEntries(await Promise.all(FAMILY2.map(async (name) => [name, await family2(name)]))),
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
  resize_mode: ['shortest', 'longest'],
  act_layer: ['relu', 'gelu', 'gelu_tanh'],
  approximate: ['none'],
  hf_tokenizer_name: ['other'],
  clean: ['lower'],
  hf_hub_id: ['other'],
  attn_type: ['eva', 'rope'],
  embed_norm_layer: ['layernorm'],
  mlp_layer: ['Mlp', 'SwiGLUPacked'],
  norm_layer: ['layernorm', 'rmsnorm'],
  rope_grid_indexing: ['ij', 'xy'],
  rope_type: ['cat', 'mixed', 'dinov3'],
  timm_model_name: [
    'vit_base_patch16_224',
    'vit_base_patch16_clip_224',
    'vit_base_patch16_siglip_224',
    'vit_base_mci_224',
    'eva02_base_patch16_clip_224',
    'eva02_enormous_patch14_clip_224',
    'vit_pe_core_base_patch16_224',
    'resnet50',
  ],
  timm_pool: ['', 'token', 'avg', 'map', 'avgmax'],
  timm_proj: ['linear', 'mlp'],
  pool_type: ['argmax', 'last', 'avg'],
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

/** All that the config decides: what the network, its tensors, its pixels and its scores are. */
async function outcome({ checkpoint, options }: Case, config: Json): Promise<string> {
  const sink = new MemorySink();
  try {
    const manifest = await convertCheckpoint(checkpoint, sink, { name: 'field', ...options, config });
    const { architecture, preprocess, labels, problemType } = manifest;
    return JSON.stringify({ architecture, preprocess, labels, problemType, tensors: hashOf(sink) });
  } catch (error) {
    if (error instanceof ViTError) return error.message;
    throw error;
  }
}

function hashOf({ files }: MemorySink): string {
  const hash = createHash('sha256');
  for (const [name, bytes] of files) if (name !== 'model.json') hash.update(bytes);
  return hash.digest('hex');
}

/** Why a change may leave everything as it is. */
function reasonFor(title: string, { checkpoint, config }: Case, path: string, value: unknown): string | undefined {
  const tensors = [...checkpoint.tensors.keys()];
  const key = path.split('.').pop()!;
  const architecture = String(config.architecture);
  if (path.startsWith('text_config.') && !tensors.some((name) => name.includes('text'))) {
    return 'the class has no text tower';
  }
  if (path === 'model_cfg.vision_cfg.norm_kwargs' && title.startsWith('open-clip'))
    return 'a tower of timm has its own';
  if (path === 'projection_dim' && title === 'transformers: CLIP classifier') return 'the class has no projection';
  if (key === 'id2label' && !/Classification/.test(String(config.architectures))) return 'the class has no classes';
  if (path === 'architecture' && SAME_KIND.some(([from, to]) => from.test(architecture) && to === value)) {
    return 'a name of the same kind';
  }
  if (DEFAULTS.some(([of, ...change]) => of.test(title) && String(change) === String([path, value]))) {
    return 'it is so by default';
  }
  return DOES_NOT_MATTER_THERE[path] ?? DOES_NOT_MATTER[key] ?? (DOES_NOT_MATTER_WITHOUT[key]?.(config) || undefined);
}

for (const [title, one] of Object.entries(CASES)) {
  describe(title, async () => {
    const usual = await outcome(one, one.config);

    test('is converted as it stands', () => expect(usual).toContain('"architecture"'));

    const all = [...changes(one.config), ...Object.entries(one.more ?? {})];
    for (const [path, value] of all) {
      const config = changed(one.config, path, value);
      if (JSON.stringify(config) === JSON.stringify(one.config)) continue;
      test(`${path}: ${JSON.stringify(value)}`, async () => {
        const now = await outcome(one, config);
        const reason = reasonFor(title, one, path, value);
        if (reason === undefined) expect(now).not.toBe(usual);
        else if (now.startsWith('{')) expect(now, reason).toBe(usual);
      });
    }
  });
}

test('gates without an activation of their own are timm’s GELU', async () => {
  const one = CASES['timm-rmsnorm-qk-norm-swiglu'];
  const { act_layer: _, ...args } = argsOf(one.config);
  expect(await outcome(one, { ...one.config, model_args: args })).toContain('mlp_layer SwiGLU without act_layer');
});
