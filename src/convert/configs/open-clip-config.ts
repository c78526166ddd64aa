/**
 * open_clip_config.json: `model_cfg` says what the two towers are (open_clip/model.py), `preprocess_cfg` what is done to
 * pictures. Towers of timm or transformers within it are refused by name.
 */
import { fact } from '../fact.ts';
import type { JsonObject } from '../json.ts';
import { JsonObject as Json } from '../json.ts';
import { PREPROCESS_CFG, readPreprocessCfg } from '../preprocess/open-clip-transform.ts';
import type { ConfigFacts, TextFacts } from './config-facts.ts';
import { checkKeys, each, type Keys, only, read, same, square, training, unused } from './known-keys.ts';
import { siglipPadding } from './siglip-padding.ts';
import { readTimmConfig } from './timm-config.ts';

/** Of the form of the result. */
const result = unused;
/** Where the weights of a tower came from before training. */
/** Where training began. */
const start = unused;

const TOP: Keys = { model_cfg: read, preprocess_cfg: read };

const MODEL: Keys = {
  ...each('vision_cfg text_cfg quick_gelu', read),
  embed_dim: same(({ projection, text }) => projection || text?.projection),
  custom_text: unused, // the names of the tensors show it
  init_logit_scale: start,
  init_logit_bias: start,
  nonscalar_logit_scale: unused, // the shape of the tensor shows it
  cast_dtype: unused, // each tensor has a type of its own
  precision: unused, // each tensor has a type of its own
  multimodal_cfg: only(),
};

const VISION: Keys = {
  image_size: read,
  patch_size: same(({ patchSize }, value) => square(patchSize, value)),
  width: same(({ width }) => width),
  layers: same(({ depth }) => depth),
  head_width: read,
  mlp_ratio: same(({ width, mlpWidth }, value) =>
    Math.trunc(width * Number(value)) === mlpWidth ? value : mlpWidth / width,
  ),
  ls_init_value: same(({ layerScale }, value) => (layerScale ? value : null)),
  norm_kwargs: read,
  act_kwargs: only({}),
  patch_dropout: training,
  attentional_pool: only(false),
  attn_pooler_queries: unused, // there is no attentional pool
  attn_pooler_heads: unused, // there is no attentional pool
  no_ln_pre: only(false),
  pos_embed_type: only('learnable'),
  final_ln_after_pool: only(false),
  pool_type: only('tok'),
  output_tokens: result,
  block_type: only('default'),
  qk_norm: only(false),
  timm_model_name: read,
  timm_pool: only('', 'token', 'avg', 'map'),
  timm_proj: only('', 'none'),
  timm_proj_bias: unused, // the tensors show it
  timm_drop: training,
  timm_drop_path: training,
  timm_model_pretrained: start,
};

const TEXT: Keys = {
  context_length: same(({ text }, value) => text?.tokens ?? value),
  vocab_size: same(({ text }, value) => text?.vocabulary ?? value),
  width: same(({ text }, value) => text?.width ?? value),
  layers: same(({ text }, value) => text?.depth ?? value),
  heads: read,
  mlp_ratio: same(({ text }, value) =>
    !text || Math.trunc(text.width * Number(value)) === text.mlpWidth ? value : text.mlpWidth / text.width,
  ),
  ...each('norm_kwargs no_causal_mask pad_id', read),
  pool_type: only('argmax', 'last'),
  proj_bias: same(({ text }, value) => text?.projectionBias ?? value),
  proj_type: only('linear'),
  ls_init_value: only(),
  act_kwargs: read,
  embed_cls: only(false),
  final_ln_after_pool: only(false),
  output_tokens: result,
  block_type: only('default'),
  qk_norm: only(false),
  hf_model_name: only(),
  hf_tokenizer_name: unused, // a tokenizer is chosen apart
  tokenizer_kwargs: unused, // a tokenizer is chosen apart
};

/** Of the norms. */
const NORM: Keys = { eps: read };

/**
 * @throws ViTError `unsupported-model` for towers and arguments that this version cannot run
 */
export function readOpenClipConfig(config: JsonObject): ConfigFacts {
  const model = config.object('model_cfg')!;
  const vision = model.object('vision_cfg') ?? new Json(`${model.file}, vision_cfg`, {});
  const text = model.object('text_cfg');
  const transform = config.object('preprocess_cfg');
  const norms = [vision, text].flatMap((tower) => tower?.object('norm_kwargs') ?? []);
  const keys = [
    checkKeys(config, TOP),
    checkKeys(model, MODEL),
    checkKeys(vision, VISION),
    ...(text ? [checkKeys(text, TEXT)] : []),
    ...(transform ? [checkKeys(transform, PREPROCESS_CFG)] : []),
    ...norms.map((norm) => checkKeys(norm, NORM)),
  ];
  const usual = model.boolean('quick_gelu') ? 'quick_gelu' : 'gelu';
  const timm = vision.string('timm_model_name');
  const activation = text ? activationOf(text, usual) : usual;
  const trunk = timm === undefined ? undefined : trunkOf(timm, vision, activation);
  const headWidth = vision.count('head_width') ?? 64;
  const imageSize = vision.size('image_size') ?? [224, 224];
  if (trunk) {
    return {
      ...trunk,
      imageSize: fact(imageSize, `${vision.file}, image_size`),
      text: text && fact(readText(text, activation), text.file),
      preprocess: transform ? readPreprocessCfg(transform, imageSize) : {},
      claims: [...trunk.claims, ...keys.flatMap(({ claims }) => claims)],
      unknown: [...trunk.unknown, ...keys.flatMap(({ unknown }) => unknown)],
    };
  }
  return {
    heads: ({ attentionWidth }) =>
      fact(
        attentionWidth % headWidth === 0 ? attentionWidth / headWidth : undefined,
        `heads of ${headWidth}, ${vision.file}`,
      ),
    epsilon: fact(epsilonOf(vision), `${vision.file}, norm_kwargs`),
    activation: fact(activation, `${model.file}, quick_gelu`),
    imageSize: fact(imageSize, `${vision.file}, image_size`),
    text: text && fact(readText(text, activation), text.file),
    preprocess: transform ? readPreprocessCfg(transform, imageSize) : {},
    claims: keys.flatMap(({ claims }) => claims),
    unknown: keys.flatMap(({ unknown }) => unknown),
  };
}

/** A tower of timm. SigLIPs were trained with one activation in both towers, whatever timm gives the image's. */
function trunkOf(name: string, vision: JsonObject, ofText: TextFacts['activation']): ConfigFacts {
  const args = { global_pool: vision.string('timm_pool') || undefined };
  const trunk = readTimmConfig(new Json(vision.file, { architecture: name, model_args: args }));
  if (ofText === 'gelu_tanh') return { ...trunk, activation: fact(ofText, `${vision.file}: that of the texts`) };
  // Weights that timm names by a tag may want another one; here there is none.
  return { ...trunk, activation: trunk.activation ?? fact('gelu', `${vision.file}: timm's own`) };
}

/** @throws ViTError `unsupported-model` for arguments of GELU that are not known */
function activationOf(text: JsonObject, usual: TextFacts['activation']): TextFacts['activation'] {
  const args = text.object('act_kwargs');
  if (!args || args.keys.length === 0) return usual;
  checkKeys(args, { approximate: only('tanh') });
  return 'gelu_tanh';
}

function readText(text: JsonObject, activation: TextFacts['activation']): TextFacts {
  const isLast = text.string('pool_type') === 'last';
  const stated = text.number('pad_id');
  return {
    heads: text.count('heads') ?? 8,
    activation,
    epsilon: epsilonOf(text),
    causal: !text.boolean('no_causal_mask'),
    pooling: isLast ? 'last' : 'highest-id',
    padding: isLast ? siglipPadding(text.number('vocab_size'), stated) : (stated ?? 0),
  };
}

function epsilonOf(tower: JsonObject): number {
  return tower.object('norm_kwargs')?.number('eps') ?? 1e-5;
}
