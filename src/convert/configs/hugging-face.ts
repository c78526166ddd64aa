/**
 * config.json as transformers writes it.
 */
import { ViTError } from '../../error.ts';
import type { Activation } from '../../model/architecture.ts';
import { type Fact, fact } from '../decisions.ts';
import type { JsonObject } from '../json.ts';
import type { ConfigFacts, TextFacts } from './facts.ts';

/** transformers' names of activations (transformers/activations.py). */
const ACTIVATIONS: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
};

/** What a model's config class takes for a key that is not in the file. */
type Defaults = Partial<Record<'num_attention_heads' | 'layer_norm_eps' | 'image_size', number>> & {
  hidden_act?: string;
};

const VIT = { num_attention_heads: 12, layer_norm_eps: 1e-12, hidden_act: 'gelu', image_size: 224 };
const DINOV2 = { ...VIT, layer_norm_eps: 1e-6 };
const CLIP_VISION = { ...VIT, layer_norm_eps: 1e-5, hidden_act: 'quick_gelu' };
const SIGLIP_VISION = { ...VIT, layer_norm_eps: 1e-6, hidden_act: 'gelu_pytorch_tanh' };

/** By `model_type`. Others have the same keys, and defaults that are not known here. */
const DEFAULTS: Record<string, Defaults> = {
  vit: VIT,
  deit: VIT,
  beit: VIT,
  dinov2: DINOV2,
  dinov2_with_registers: DINOV2,
  clip_vision_model: CLIP_VISION,
  siglip_vision_model: SIGLIP_VISION,
};

/** Models of two towers: `vision_config` and `text_config` are configs of their own. */
const TOWERS: Record<string, { vision: string; text: TextDefaults }> = {
  clip: {
    vision: 'clip_vision_model',
    text: {
      num_attention_heads: 8,
      layer_norm_eps: 1e-5,
      hidden_act: 'quick_gelu',
      pad_token_id: 1,
      eos_token_id: 49407,
      causal: true,
    },
  },
  siglip: {
    vision: 'siglip_vision_model',
    text: {
      num_attention_heads: 12,
      layer_norm_eps: 1e-6,
      hidden_act: 'gelu_pytorch_tanh',
      pad_token_id: 1,
      causal: false,
    },
  },
};

interface TextDefaults extends Required<Omit<Defaults, 'image_size'>> {
  pad_token_id: number;
  /** Left out where no token ends a text, but the last one is taken. */
  eos_token_id?: number;
  causal: boolean;
}

const PROBLEM_TYPES: Record<string, 'single-label' | 'multi-label'> = {
  single_label_classification: 'single-label',
  multi_label_classification: 'multi-label',
};

/** @throws ViTError `unsupported-model` for an activation or a problem that this version cannot run. */
export function readHuggingFaceConfig(config: JsonObject): ConfigFacts {
  const type = config.string('model_type')!;
  const towers = Object.hasOwn(TOWERS, type) ? TOWERS[type] : undefined;
  const vision = (towers && config.object('vision_config')) ?? config;
  const facts = readVision(vision, towers?.vision ?? type);
  const text = towers && config.object('text_config');
  if (text) facts.text = readText(text, towers.text);
  facts.labels = fact(config.labels('id2label'), `${config.file}, id2label`);
  const problem = config.string('problem_type');
  if (problem) {
    facts.problemType = fact(translate(PROBLEM_TYPES, problem, 'problem_type'), `${config.file}, problem_type`);
  }
  return facts;
}

function readVision(config: JsonObject, type: string): ConfigFacts {
  const defaults = Object.hasOwn(DEFAULTS, type) ? DEFAULTS[type] : {};
  const orDefault = <T>(key: keyof Defaults, value: T | undefined): Fact<T> | undefined =>
    fact(value, `${config.file}, ${key}`) ??
    fact(defaults[key] as T | undefined, `${className(type)}'s default; ${config.file} has no ${key}`);

  const activation = orDefault('hidden_act', config.string('hidden_act'));
  const imageSize = orDefault<number | [number, number]>('image_size', config.size('image_size'));
  const facts: ConfigFacts = {
    heads: orDefault('num_attention_heads', config.count('num_attention_heads')),
    epsilon: orDefault('layer_norm_eps', config.number('layer_norm_eps')),
    activation: activation && { value: translate(ACTIVATIONS, activation.value, 'hidden_act'), why: activation.why },
    imageSize: imageSize && { value: pair(imageSize.value), why: imageSize.why },
    preprocess: {},
    dimensions: {},
  };
  for (const [key, dimension] of [
    ['hidden_size', 'width'],
    ['num_hidden_layers', 'depth'],
    ['intermediate_size', 'mlpWidth'],
    ['num_channels', 'channels'],
  ] as const) {
    const value = config.count(key);
    if (value !== undefined) facts.dimensions[key] = { dimension, value };
  }
  return facts;
}

function readText(config: JsonObject, defaults: TextDefaults): Fact<TextFacts> {
  const endOfText = config.number('eos_token_id') ?? defaults.eos_token_id;
  const value: TextFacts = {
    heads: config.count('num_attention_heads') ?? defaults.num_attention_heads,
    epsilon: config.number('layer_norm_eps') ?? defaults.layer_norm_eps,
    activation: translate(ACTIVATIONS, config.string('hidden_act') ?? defaults.hidden_act, 'hidden_act'),
    causal: defaults.causal,
    pooling: 'last',
    padding: config.number('pad_token_id') ?? defaults.pad_token_id,
  };
  // Files of old versions say 2 and mean the token with the highest id.
  if (defaults.causal && endOfText === 2) value.pooling = 'highest-id';
  else if (defaults.causal) Object.assign(value, { pooling: 'end-of-text', endOfText });
  return { value, why: config.file };
}

/** `vit` -> `ViTConfig`, as near as a name comes. */
function className(type: string): string {
  return type === 'vit' ? 'ViTConfig' : `the config of a ${type}`;
}

function translate<T>(table: Record<string, T>, name: string, key: string): T {
  if (Object.hasOwn(table, name)) return table[name];
  throw new ViTError(
    'unsupported-model',
    `config.json has ${key} ${name}; this version can run ${Object.keys(table).join(', ')}.`,
  );
}

function pair(size: number | [number, number]): [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
