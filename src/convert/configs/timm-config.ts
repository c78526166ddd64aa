/**
 * config.json as timm writes it for a model on the Hub: `architecture`, `model_args`, `pretrained_cfg`. In older files
 * the keys of `pretrained_cfg` stand at the top.
 */
import { ViTError } from '../../error.ts';
import type { Pooling } from '../../model/architecture.ts';
import type { Activation, NormOrder } from '../../model/layers.ts';
import { type Fact, fact } from '../fact.ts';
import { JsonObject } from '../json.ts';
import { readPretrainedCfg } from '../preprocess/pretrained-cfg.ts';
import { DINOV3, type RotaryFacts } from '../rotary-facts.ts';
import type { ConfigFacts } from './config-facts.ts';
import { type Claim, checkKeys } from './known-keys.ts';
import { argumentsOf, PRETRAINED_CFG, TOP } from './timm-keys.ts';
import { COUNTED, headsByName, type NameFacts, PLAIN, readTimmName } from './timm-names.ts';
import { COMMON } from './transformers-keys.ts';

/** timm's `global_pool`. */
const POOLINGS: Record<string, Pooling> = {
  token: 'class',
  avg: 'patches',
  avgmax: 'patches-and-largest',
  map: 'attention',
};

const ACTIVATIONS: Record<string, Activation> = {
  gelu: 'gelu',
  gelu_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  quickgelu: 'quick_gelu',
  relu: 'relu',
};

/** Where these are said, so is an epsilon that is not timm's usual one. */
const OTHER_NORMS = ['norm_layer', 'scale_attn_norm', 'scale_mlp_norm', 'scale_attn_inner', 'scale_mlp'];

/** Of a SwiGLU, which has no other. */
const GATED = 'silu';

/**
 * @throws ViTError `unsupported-model` for a model that is not known, and when an argument changes it in a way that this
 *   version cannot run
 */
export function readTimmConfig(config: JsonObject): ConfigFacts {
  const name = config.string('architecture')!;
  const pretrained = config.object('pretrained_cfg') ?? config;
  const args = config.object('model_args') ?? new JsonObject(`${config.file}, model_args`, {});
  const told = readTimmName(name, config.file);
  const model = told.find((facts) => facts.model)?.model ?? 'VisionTransformer';
  const why = `timm's ${name}`;
  const byName = <Key extends keyof NameFacts>(key: Key): Fact<NonNullable<NameFacts[Key]>> | undefined =>
    fact(told.find((facts) => key in facts)?.[key] ?? undefined, why);
  const keys = [
    // transformers wraps these models with keys of its own.
    checkKeys(config, config.has('model_type') ? { ...COMMON, ...TOP } : TOP),
    checkKeys(args, argumentsOf(model)),
    ...(pretrained === config ? [] : [checkKeys(pretrained, PRETRAINED_CFG)]),
  ];
  return {
    heads: ({ width }) =>
      fact(args.count('num_heads'), `${config.file}, model_args.num_heads`) ??
      fact(headsByName(name, told, width), why),
    epsilon:
      byName('epsilon') ??
      (OTHER_NORMS.some((key) => args.has(key)) ? fact(1e-6, `${args.file}: timm's usual`) : undefined),
    activation:
      activationOf(
        args,
        told.some(({ gated }) => gated),
      ) ?? activationByName(told, pretrained.string('tag') ?? name.split('.')[1], why),
    imageSize: args.has('pos_embed_grid_size') ? undefined : imageSizeOf(args, pretrained),
    patchSize: fact(args.size('patch_size'), `${args.file}.patch_size`),
    pooling: poolingOf(config, args) ?? byName('pooling'),
    normOrder: fact(normOrderOf(args.boolean('use_post_norm')), `${args.file}.use_post_norm`) ?? byName('normOrder'),
    rotary: rotaryOf(args, byName('rotary')),
    poolingHeads: fact(args.count('attn_pool_num_heads'), `${args.file}.attn_pool_num_heads`) ?? byName('poolingHeads'),
    finalNorm:
      args.boolean('final_norm') === false || args.boolean('use_post_transformer_norm') === false
        ? 'none'
        : told.find(({ finalNorm }) => finalNorm)?.finalNorm,
    poolsPrefix: args.boolean('pool_include_prefix') ?? (told.some(({ poolingHeads }) => poolingHeads) || undefined),
    positionEmbedding: args.has('no_embed_class')
      ? fact(args.boolean('no_embed_class') ? 'patches' : 'all', `${args.file}.no_embed_class`)
      : undefined,
    labels: labelsOf(config) ?? labelsOf(pretrained),
    preprocess: readPretrainedCfg(pretrained),
    claims: [...keys.flatMap(({ claims }) => claims), ...needsOf(told, args, why)],
    unknown: keys.flatMap(({ unknown }) => unknown),
  };
}

function normOrderOf(isAfterBranch: boolean | undefined): NormOrder | undefined {
  return isAfterBranch === undefined ? undefined : isAfterBranch ? 'branch' : 'first';
}

/** A name that needs what the tensors lack is another model's. */
function needsOf(told: NameFacts[], args: JsonObject, why: string): Claim[] {
  const isOwn = told.includes(PLAIN) && args.has('class_token');
  const needs = isOwn ? [] : told.flatMap((facts) => (facts.needs ? [facts.needs] : []));
  return needs.map(([what, has]) => ({ claim: `${why} has ${what}`, value: true, shown: has }));
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

/**
 * What a name says of rotary positions, with what the arguments say otherwise.
 * @throws ViTError `unsupported-model` for a kind, or a DINOv3's grid, that this version cannot run
 */
function rotaryOf(args: JsonObject, named: Fact<RotaryFacts> | undefined): Fact<RotaryFacts> | undefined {
  if (args.boolean('use_rot_pos_emb') === false) return undefined;
  if (!named && !args.boolean('use_rot_pos_emb')) return undefined;
  const type = args.string('rope_type');
  const facts = { ...rotaryOfType(args, type, named?.value) };
  const base = args.number('rope_temperature');
  const indexing = args.string('rope_grid_indexing');
  const offset = args.number('rope_grid_offset');
  if (facts.positions === 'centred' && (offset || indexing === 'xy')) {
    throw new ViTError(
      'unsupported-model',
      `${args.file} has ${offset ? `rope_grid_offset ${offset}` : 'rope_grid_indexing xy'}, which this version cannot run ` +
        'with positions as DINOv3 has them.',
    );
  }
  if (facts.bands) {
    const first = indexing ? (indexing === 'xy' ? 'column' : 'row') : facts.bands.first;
    facts.bands = { ...facts.bands, base: base ?? facts.bands.base, first };
  }
  if (args.has('rope_rotate_half')) facts.pairs = args.boolean('rope_rotate_half') ? 'halves' : 'neighbours';
  if (offset !== undefined) facts.offset = offset;
  const grid = args.numbers('ref_feat_shape');
  if (grid) facts.grid = [grid[0], grid[1]];
  else if (named) facts.ofPatch = Number(/_patch(\d+)/.exec(named.why)?.[1]) || undefined;
  return { value: facts, why: named?.why ?? `${args.file}.use_rot_pos_emb` };
}

function rotaryOfType(args: JsonObject, type: string | undefined, named: RotaryFacts | undefined): RotaryFacts {
  if (type === undefined) return named ?? COUNTED;
  const counted = named?.positions === 'counted' ? named : COUNTED;
  if (type === 'cat') return { ...counted, bands: counted.bands ?? COUNTED.bands };
  if (type === 'mixed') return { ...counted, bands: null };
  if (type === 'dinov3') return DINOV3;
  throw new ViTError(
    'unsupported-model',
    `${args.file} has rope_type ${type}; this version can run cat, mixed, dinov3.`,
  );
}

/** @param known whether the name says what gates there are */
function activationOf(args: JsonObject, known: boolean): Fact<Activation> | undefined {
  const name = args.string('act_layer');
  const mlp = args.string('mlp_layer');
  if (name === undefined && mlp?.startsWith('SwiGLU') && !known) {
    throw new ViTError(
      'unsupported-model',
      `${args.file} has mlp_layer ${mlp} without act_layer: its gates are timm's usual GELU, which this version cannot run.`,
    );
  }
  if (name === undefined || name === GATED) return undefined;
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
