/**
 * config.json as transformers writes it. What the file leaves out is the default of the model's config class.
 */
import { ViTError } from '../../error.ts';
import type { Activation } from '../../model/layers.ts';
import type { ProblemType } from '../../weights/manifest.ts';
import { type Fact, fact } from '../fact.ts';
import type { JsonObject } from '../json.ts';
import { dinov3At } from '../rotary-facts.ts';
import type { ConfigFacts, TextFacts } from './config-facts.ts';
import { checkKeys } from './known-keys.ts';
import { siglipPadding } from './siglip-padding.ts';
import {
  BESIDE_TOWERS,
  COMMON,
  type Defaults,
  type KnownModel,
  type KnownTowers,
  MODELS,
  TEXT,
  type TextDefaults,
  TOWERS,
  WITHIN_TOWERS,
} from './transformers-keys.ts';

/** transformers' names of activations (transformers/activations.py). */
const ACTIVATIONS: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
};

/** Of models whose MLP may be a SwiGLU, which has no other activation: what is said of it means nothing. */
const GATED: Record<string, Activation> = { ...ACTIVATIONS, silu: 'gelu' };

const PROBLEM_TYPES: Record<string, ProblemType> = {
  single_label_classification: 'single-label',
  multi_label_classification: 'multi-label',
  regression: 'regression',
};

/**
 * @throws ViTError `unsupported-model` for a model, an activation or a problem that this version cannot run, `bad-input`
 *   for a class that is another model's
 */
export function readTransformersConfig(config: JsonObject): ConfigFacts {
  const type = config.string('model_type')!;
  const towers = Object.hasOwn(TOWERS, type) ? TOWERS[type] : undefined;
  const model = Object.hasOwn(MODELS, towers?.vision ?? type) ? MODELS[towers?.vision ?? type] : undefined;
  if (!model) {
    const known = [...Object.keys(MODELS), ...Object.keys(TOWERS)].join(', ');
    throw new ViTError('unsupported-model', `${config.file} has model_type ${type}; this version can run ${known}.`);
  }
  const facts = towers ? readTowers(config, towers, model) : readVision(config, model, {});
  facts.modelClass = classOf(config, towers?.name ?? model.name);
  facts.labels = fact(config.labels('id2label'), `${config.file}, id2label`);
  const problem = config.string('problem_type');
  if (problem) {
    facts.problemType = fact(
      translate(PROBLEM_TYPES, problem, config.file, 'problem_type'),
      `${config.file}, problem_type`,
    );
  }
  return facts;
}

/** Libraries take the first one. */
function classOf(config: JsonObject, name: string): string | undefined {
  const [modelClass] = config.strings('architectures') ?? [];
  if (modelClass === undefined || new RegExp(`^${name}(Vision|Text)?(Model|For|Backbone)`).test(modelClass)) {
    return modelClass;
  }
  throw new ViTError(
    'bad-input',
    `${config.file} has architectures ${modelClass}, which is no class of its model_type ${config.string('model_type')}.`,
  );
}

function readTowers(config: JsonObject, towers: KnownTowers, model: KnownModel): ConfigFacts {
  const vision = config.object('vision_config');
  if (!vision) throw new ViTError('bad-input', `${config.file} has no vision_config.`);
  const facts = readVision(vision, model, WITHIN_TOWERS);
  const text = config.object('text_config');
  if (text) {
    facts.text = readText(text, towers.text);
    addKeys(facts, checkKeys(text, { ...COMMON, ...TEXT }));
  }
  addKeys(facts, checkKeys(config, { ...COMMON, ...BESIDE_TOWERS }));
  return facts;
}

function addKeys({ claims, unknown }: ConfigFacts, more: Pick<ConfigFacts, 'claims' | 'unknown'>): void {
  claims.push(...more.claims);
  unknown.push(...more.unknown);
}

function readVision(
  config: JsonObject,
  { name, imageProcessor, defaults, keys, epsilonKey }: KnownModel,
  within: KnownModel['keys'],
): ConfigFacts {
  const orDefault = <T>(key: keyof Defaults, value: T | undefined): Fact<T> =>
    fact(value, `${config.file}, ${key}`) ?? {
      value: defaults[key] as T,
      why: `${name}Config's default; ${config.file} has no ${key}`,
    };
  const activation = orDefault('hidden_act', config.string('hidden_act'));
  const size = config.size('image_size') ?? defaults.image_size;
  const imageSize =
    size === undefined ? undefined : orDefault<number | [number, number]>('image_size', config.size('image_size'));
  const theta = config.number('rope_theta');
  const heads = orDefault('num_attention_heads', config.count('num_attention_heads'));
  return {
    heads: () => heads,
    epsilon: orDefault('layer_norm_eps', config.number(epsilonKey ?? 'layer_norm_eps')),
    patchSize: fact(config.size('patch_size'), `${config.file}, patch_size`),
    rotary: theta === undefined ? undefined : fact(dinov3At(theta), `${config.file}, rope_theta`),
    positionResampling: config.boolean('is_native') ? fact('sincos', `${config.file}, is_native`) : undefined,
    activation: {
      value: translate(defaults.gated ? GATED : ACTIVATIONS, activation.value, config.file, 'hidden_act'),
      why: activation.why,
    },
    imageSize: imageSize && { value: pair(imageSize.value), why: imageSize.why },
    preprocess: {},
    imageProcessor,
    ...checkKeys(config, { ...COMMON, ...keys, ...within }),
  };
}

function readText(config: JsonObject, defaults: TextDefaults): Fact<TextFacts> {
  const endOfText = config.number('eos_token_id') ?? defaults.eos_token_id;
  const activation = config.string('hidden_act') ?? defaults.hidden_act;
  const padding = config.number('pad_token_id') ?? defaults.pad_token_id;
  const value: TextFacts = {
    heads: config.count('num_attention_heads') ?? defaults.num_attention_heads,
    epsilon: config.number('layer_norm_eps') ?? config.number('rms_norm_eps') ?? defaults.layer_norm_eps,
    activation: translate(defaults.gated ? GATED : ACTIVATIONS, activation, config.file, 'hidden_act'),
    causal: defaults.causal,
    pooling: 'last',
    padding: defaults.causal ? padding : siglipPadding(config.number('vocab_size'), padding),
  };
  if (defaults.causal && endOfText === defaults.legacy_eos_token_id) value.pooling = 'highest-id';
  else if (defaults.causal) Object.assign(value, { pooling: 'end-of-text', endOfText });
  return { value, why: config.file };
}

function translate<T>(table: Record<string, T>, name: string, file: string, key: string): T {
  if (Object.hasOwn(table, name)) return table[name];
  throw new ViTError(
    'unsupported-model',
    `${file} has ${key} ${name}; this version can run ${Object.keys(table).join(', ')}.`,
  );
}

function pair(size: number | [number, number]): [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
