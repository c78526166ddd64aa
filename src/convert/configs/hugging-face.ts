/**
 * config.json as transformers writes it for a ViT.
 */
import { ViTError } from '../../error.ts';
import type { Activation } from '../../model/architecture.ts';
import { type Fact, fact } from '../decisions.ts';
import type { JsonObject } from '../json.ts';
import type { ConfigFacts } from './facts.ts';

/** transformers' names of activations (transformers/activations.py). */
const ACTIVATIONS: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
};

/** What `ViTConfig` takes for a key that is not in the file. */
const VIT_DEFAULTS = { num_attention_heads: 12, layer_norm_eps: 1e-12, hidden_act: 'gelu', image_size: 224 };

const PROBLEM_TYPES: Record<string, 'single-label' | 'multi-label'> = {
  single_label_classification: 'single-label',
  multi_label_classification: 'multi-label',
};

/** @throws ViTError `unsupported-model` for an activation or a problem that this version cannot run. */
export function readHuggingFaceConfig(config: JsonObject): ConfigFacts {
  const defaults = config.string('model_type') === 'vit' ? VIT_DEFAULTS : undefined;
  const orDefault = <T>(key: keyof typeof VIT_DEFAULTS, value: T | undefined): Fact<T> | undefined =>
    fact(value, `${config.file}, ${key}`) ??
    fact(defaults?.[key] as T | undefined, `ViTConfig's default; ${config.file} has no ${key}`);

  const activation = orDefault('hidden_act', config.string('hidden_act'));
  const imageSize = orDefault<number | [number, number]>('image_size', config.size('image_size'));
  const facts: ConfigFacts = {
    heads: orDefault('num_attention_heads', config.count('num_attention_heads')),
    epsilon: orDefault('layer_norm_eps', config.number('layer_norm_eps')),
    activation: activation && { value: translate(ACTIVATIONS, activation.value, 'hidden_act'), why: activation.why },
    imageSize: imageSize && { value: pair(imageSize.value), why: imageSize.why },
    labels: fact(config.labels('id2label'), `${config.file}, id2label`),
    preprocess: {},
    dimensions: {},
  };
  const problem = config.string('problem_type');
  if (problem) {
    facts.problemType = fact(translate(PROBLEM_TYPES, problem, 'problem_type'), `${config.file}, problem_type`);
  }
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
