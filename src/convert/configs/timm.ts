/**
 * config.json as timm writes it for a model on the Hub: `architecture`, `model_args`, `pretrained_cfg`. In older files
 * the keys of `pretrained_cfg` stand at the top.
 */
import { ViTError } from '../../error.ts';
import type { Activation, Pooling } from '../../model/architecture.ts';
import { type Fact, fact } from '../decisions.ts';
import { JsonObject } from '../json.ts';
import { readPretrainedCfg } from '../preprocess/timm.ts';
import type { ConfigFacts } from './facts.ts';

/** Heads by the size in a model's name (`vit_tiny_patch16_224`); the width tells whether the name means this size. */
const SIZES: Record<string, { width: number; heads: number }> = {
  tiny: { width: 192, heads: 3 },
  small: { width: 384, heads: 6 },
  medium: { width: 512, heads: 8 },
  base: { width: 768, heads: 12 },
  large: { width: 1024, heads: 16 },
  so400m: { width: 1152, heads: 16 },
  huge: { width: 1280, heads: 16 },
  giant: { width: 1408, heads: 16 },
  gigantic: { width: 1664, heads: 16 },
};

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

/** SigLIPs whose entry in timm has the GELU with tanh; those of the other SigLIPs have the exact one. */
const TANH_SIGLIPS =
  /^vit_(base_patch32_siglip_(gap_)?256|large_patch16_siglip_(gap_)?512|so400m_patch16_siglip|giantopt_patch\d+_siglip)/;

/**
 * @param width of the tensors
 * @throws ViTError `unsupported-model` when an argument changes the model in a way that this version cannot run and
 *   that its tensors do not show.
 */
export function readTimmConfig(config: JsonObject, width: number): ConfigFacts {
  const name = config.string('architecture')!;
  const pretrained = config.object('pretrained_cfg') ?? config;
  const args = config.object('model_args') ?? new JsonObject(`${config.file}, model_args`, {});

  const pool = args.string('global_pool') ?? config.string('global_pool');
  if (pool && !Object.hasOwn(POOLINGS, pool)) {
    throw new ViTError(
      'unsupported-model',
      `${config.file} has global_pool ${pool}; this version knows ${Object.keys(POOLINGS).join(', ')}.`,
    );
  }
  if (args.has('norm_layer')) {
    throw new ViTError('unsupported-model', `${config.file} has norm_layer ${args.string('norm_layer')}.`);
  }
  if (/_rpn_/.test(name)) {
    throw new ViTError('unsupported-model', `${config.file}: timm's ${name} has its norms behind attention and MLP.`);
  }
  const dimensions: ConfigFacts['dimensions'] = {};
  const classes = config.number('num_classes');
  if (classes) dimensions.num_classes = { dimension: 'classes', value: classes };
  const features = config.count('num_features');
  if (features !== undefined) dimensions.num_features = { dimension: 'width', value: features };
  return {
    heads: fact(args.count('num_heads'), `${config.file}, model_args.num_heads`) ?? headsByName(name, width),
    epsilon: fact(name.includes('_clip_') ? 1e-5 : undefined, `timm's ${name}`),
    activation: activationOf(args) ?? fact(activationByName(name, pretrained.string('tag')), `timm's ${name}`),
    imageSize: imageSizeOf(args, pretrained),
    pooling: fact(pool === undefined ? undefined : POOLINGS[pool], `${config.file}, global_pool`),
    labels: labelsOf(config) ?? labelsOf(pretrained),
    preprocess: readPretrainedCfg(pretrained),
    dimensions,
  };
}

function headsByName(name: string, width: number): Fact<number> | undefined {
  const size = /^(?:vit|deit3?)_([a-z0-9]+)_/.exec(name)?.[1];
  const known = size !== undefined && Object.hasOwn(SIZES, size) ? SIZES[size] : undefined;
  return known?.width === width ? fact(known.heads, `timm's ${name}`) : undefined;
}

function activationOf(args: JsonObject): Fact<Activation> | undefined {
  const name = args.string('act_layer');
  if (name === undefined) return undefined;
  if (Object.hasOwn(ACTIVATIONS, name)) return fact(ACTIVATIONS[name], `${args.file}.act_layer`);
  throw new ViTError('unsupported-model', `${args.file} has act_layer ${name}, which this version cannot run.`);
}

/**
 * Of models whose tensors leave it open. Under the plain name of a CLIP there are OpenAI's weights too, which were trained
 * with another activation than timm gives them there: which one is meant, has to be told.
 */
function activationByName(name: string, tag: string | undefined): Activation | undefined {
  if (name.includes('_clip_quickgelu_')) return 'quick_gelu';
  if (name.includes('_clip_')) return tag === undefined || tag.startsWith('openai') ? undefined : 'gelu';
  if (TANH_SIGLIPS.test(name)) return 'gelu_tanh';
  return /_(siglip|gap)_/.test(name) ? 'gelu' : undefined;
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
