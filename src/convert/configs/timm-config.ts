/**
 * config.json as timm writes it for a model on the Hub: `architecture`, `model_args`, `pretrained_cfg`. In older files
 * the keys of `pretrained_cfg` stand at the top.
 */
import { ViTError } from '../../error.ts';
import type { Activation, Pooling } from '../../model/architecture.ts';
import { type Fact, fact } from '../decisions.ts';
import { JsonObject } from '../json.ts';
import { readPretrainedCfg } from '../preprocess/pretrained-cfg.ts';
import type { ConfigFacts } from './config-facts.ts';
import { type Claim, checkKeys } from './known-keys.ts';
import { MODEL_ARGS, PRETRAINED_CFG, TOP } from './timm-keys.ts';
import { headsByName, type NameFacts, readTimmName } from './timm-names.ts';
import { COMMON } from './transformers-keys.ts';

/** timm's `global_pool`. */
const POOLINGS: Record<string, Pooling> = {
  token: 'class',
  avg: 'patches',
  map: 'attention',
};

const ACTIVATIONS: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  quickgelu: 'quick_gelu',
  relu: 'relu',
};

/**
 * @throws ViTError `unsupported-model` for a model that is not known, and when an argument changes it in a way that this
 *   version cannot run
 */
export function readTimmConfig(config: JsonObject): ConfigFacts {
  const name = config.string('architecture')!;
  const pretrained = config.object('pretrained_cfg') ?? config;
  const args = config.object('model_args') ?? new JsonObject(`${config.file}, model_args`, {});
  const told = readTimmName(name, config.file);
  const why = `timm's ${name}`;
  const byName = <Key extends 'epsilon' | 'pooling'>(key: Key): Fact<NonNullable<NameFacts[Key]>> | undefined =>
    fact(told.find((facts) => key in facts)?.[key] ?? undefined, why);
  const keys = [
    // transformers wraps these models with keys of its own.
    checkKeys(config, config.has('model_type') ? { ...COMMON, ...TOP } : TOP),
    checkKeys(args, MODEL_ARGS),
    ...(pretrained === config ? [] : [checkKeys(pretrained, PRETRAINED_CFG)]),
  ];
  return {
    heads: ({ width }) =>
      fact(args.count('num_heads'), `${config.file}, model_args.num_heads`) ?? fact(headsByName(name, width), why),
    epsilon: byName('epsilon'),
    activation: activationOf(args) ?? activationByName(told, pretrained.string('tag') ?? name.split('.')[1], why),
    imageSize: imageSizeOf(args, pretrained),
    pooling: poolingOf(config, args) ?? byName('pooling'),
    poolsPrefix: args.boolean('pool_include_prefix'),
    positionEmbedding: args.has('no_embed_class')
      ? fact(args.boolean('no_embed_class') ? 'patches' : 'all', `${args.file}.no_embed_class`)
      : undefined,
    labels: labelsOf(config) ?? labelsOf(pretrained),
    preprocess: readPretrainedCfg(pretrained),
    claims: [...keys.flatMap(({ claims }) => claims), ...needsOf(told, why)],
    unknown: keys.flatMap(({ unknown }) => unknown),
  };
}

/** A name that needs what the tensors lack is another model's. */
function needsOf(told: NameFacts[], why: string): Claim[] {
  return told.flatMap(({ needs }) => {
    if (!needs) return [];
    const [what, has] = needs;
    return [{ claim: `${why} has ${what}`, value: true, shown: has }];
  });
}

function poolingOf(config: JsonObject, args: JsonObject): Fact<Pooling> | undefined {
  const from = args.has('global_pool') ? args : config;
  const name = from.string('global_pool');
  if (name === undefined) return undefined;
  if (!Object.hasOwn(POOLINGS, name)) {
    throw new ViTError(
      'unsupported-model',
      `${from.file} has global_pool ${name || '"", which pools nothing'}; this version can run ${Object.keys(POOLINGS).join(', ')}.`,
    );
  }
  const all = name === 'avg' && args.boolean('pool_include_prefix');
  return fact(all ? 'all' : POOLINGS[name], `${from.file}, global_pool${all ? ' and pool_include_prefix' : ''}`);
}

function activationOf(args: JsonObject): Fact<Activation> | undefined {
  const name = args.string('act_layer');
  if (name === undefined) return undefined;
  if (Object.hasOwn(ACTIVATIONS, name)) return fact(ACTIVATIONS[name], `${args.file}.act_layer`);
  throw new ViTError('unsupported-model', `${args.file} has act_layer ${name}, which this version cannot run.`);
}

/**
 * Under the plain name of a CLIP there are OpenAI's weights, too, which were trained with another activation than timm
 * gives them there: which one is meant is asked.
 */
function activationByName(told: NameFacts[], tag: string | undefined, why: string): Fact<Activation> | undefined {
  const facts = told.find(({ activation, activationByTag }) => activation !== undefined || activationByTag);
  const isOpenAi = tag === undefined || tag.startsWith('openai');
  return fact(facts?.activationByTag ? (isOpenAi ? undefined : 'gelu') : facts?.activation, why);
}

function imageSizeOf(args: JsonObject, pretrained: JsonObject): Fact<[number, number]> | undefined {
  const [, height, width] = pretrained.numbers('input_size') ?? [];
  const inputSize: [number, number] | undefined = height === undefined ? undefined : [height, width];
  return fact(args.size('img_size'), `${args.file}.img_size`) ?? fact(inputSize, `${pretrained.file}, input_size`);
}

/** timm names classes by short ids (`n01440764`) and describes them apart: people are shown the descriptions. */
function labelsOf(config: JsonObject): Fact<string[]> | undefined {
  const key = config.has('label_names') ? 'label_names' : 'labels';
  const names = config.labels(key);
  const descriptions = config.object('label_descriptions');
  const labels = names?.map((name) => descriptions?.string(name) ?? name);
  return fact(labels, `${config.file}, ${key}`);
}
