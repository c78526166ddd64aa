/**
 * The flags of everything that converts: what a checkpoint and its files do not say, and how it is written.
 */
import { type Command, Option } from 'commander';
import { type AnswerName, TOKEN_POOLINGS } from '../convert/answers.ts';
import type { ConvertOptions } from '../convert/convert.ts';
import { LAYOUTS } from '../convert/families/index.ts';
import { TORCHVISION_PRESETS } from '../convert/preprocess/torchvision-presets.ts';
import type { ViTError } from '../error.ts';
import { ACTIVATIONS, type Activation } from '../model/layers.ts';
import { type Crop, FILTERS, type Filter, type Resize } from '../model/preprocess.ts';
import { DTYPES, type Dtype } from '../weights/manifest.ts';
import {
  orNull,
  parseCount,
  parseCrop,
  parseNames,
  parseNumber,
  parseNumbers,
  parseResize,
  parseSize,
} from './flags.ts';

export interface ConvertFlags {
  out: string;
  force: boolean;
  name?: string;
  config?: string;
  preprocessor?: string;
  preset?: string;
  labels?: string;
  tokenizer?: string;
  template?: string;
  calibration?: string;
  layout: string;
  prefix?: string;
  dtype: Dtype | 'auto';
  calibrate?: string;
  loss: number;
  heads?: number;
  textHeads?: number;
  epsilon?: number;
  activation?: Activation;
  normFirst?: boolean;
  normLast?: boolean;
  qkScale?: number;
  imageSize?: [number, number];
  patchSize?: [number, number];
  pooling?: (typeof TOKEN_POOLINGS)[number];
  mean?: number[];
  std?: number[];
  filter?: Filter;
  resize?: Resize | 'none';
  crop?: Crop | 'none';
  ignore?: string[];
  ignoreKeys?: string[];
  modelClass?: string;
  architecture?: string;
  text: boolean;
  shardSize?: number;
}

export function addConvertFlags(command: Command): Command {
  return command
    .requiredOption('--out <dir>', 'folder to write')
    .option('--force', 'replace the folder when it is not empty', false)
    .option('--name <name>', "the model's name (default: the name of the folder)")
    .option('--config <file>', 'config.json of transformers or timm (default: the one beside the checkpoint)')
    .option('--preprocessor <file>', 'preprocessor_config.json (default: the one beside the checkpoint)')
    .addOption(new Option('--preset <weights>', "preprocessing of torchvision's weights").choices(TORCHVISION_PRESETS))
    .option('--labels <file>', 'one label per class: JSON, imagenet_class_index.json, or a line each')
    .option('--tokenizer <file>', 'tokenizer.json, for words (default: the one beside the checkpoint)')
    .option('--template <text>', "what makes a text of a label, as 'a photo of {}' (default: the family's)")
    .option('--calibration <file>', 'how far scores may be believed (default: calibration.json beside the checkpoint)')
    .addOption(new Option('--layout <layout>', 'tensor names').choices(['auto', ...LAYOUTS]).default('auto'))
    .option('--prefix <prefix>', "what stands before the names of the model's tensors (default: found out)")
    .addOption(
      new Option('--dtype <dtype>', 'number format of the shards; auto: of each matrix the smallest')
        .choices([...DTYPES, 'auto'])
        .default('f32'),
    )
    .option('--calibrate <dir>', 'pictures that --dtype auto measures its loss on')
    .option('--loss <x>', 'that --dtype auto may have, of the outputs relative to their spread', parseNumber, 0.05)
    .option('--heads <n>', 'attention heads', parseCount)
    .option('--text-heads <n>', 'attention heads of a text tower', parseCount)
    .option('--epsilon <x>', 'of the layer norms', parseNumber)
    .addOption(new Option('--activation <name>', 'of the MLPs').choices(ACTIVATIONS))
    .addOption(new Option('--norm-first', 'norms stand before attention and MLP').conflicts('normLast'))
    .option('--norm-last', 'norms stand after attention and MLP')
    .option('--qk-scale <x>', 'what Q times K is multiplied with', parseNumber)
    .option('--image-size <HxW>', 'in pixels', parseSize)
    .option('--patch-size <HxW>', 'in pixels, where no tensor shows it', parseSize)
    .addOption(
      new Option('--pooling <tokens>', 'which tokens are pooled, where no tensor shows it').choices(TOKEN_POOLINGS),
    )
    .option('--mean <a,b,c>', 'of the pixels, per channel, in 0..1', parseNumbers)
    .option('--std <a,b,c>', 'of the pixels, per channel, in 0..1', parseNumbers)
    .addOption(new Option('--filter <filter>', 'for resizing').choices(FILTERS))
    .option(
      '--resize <how>',
      'squash:HxW | shortest-edge:N[:trunc|round] | longest-edge:N[:trunc|round] | patches:SIZE:MOST | none',
      parseResize,
    )
    .option('--crop <how>', 'HxW[:half-even|floor] | none', parseCrop)
    .option('--ignore <names>', 'tensors to leave out, separated by commas', parseNames)
    .option('--ignore-keys <names>', 'keys of config.json that change no result, separated by commas', parseNames)
    .option('--model-class <name>', "transformers' class that is wanted (default: the one in config.json)")
    .option('--architecture <name>', "timm's name of the model, where there is no config.json")
    .option('--no-text', 'leave out the text tower of a CLIP or SigLIP')
    .option('--shard-size <bytes>', 'of each shard, a multiple of 256 (default: 8 MiB)', parseCount);
}

/** What flags alone say; the files that they name are read elsewhere. */
export function optionsOf(flags: ConvertFlags): Omit<ConvertOptions, 'name'> {
  const { layout, prefix, preset, dtype, ignore, shardSize, heads, epsilon, activation, imageSize, qkScale, text } =
    flags;
  const { textHeads, patchSize, pooling, resize, filter, crop, mean, std } = flags;
  const { ignoreKeys, modelClass, architecture } = flags;
  return {
    layout,
    prefix,
    preset,
    // What is not searched, which is a text tower, has 8 bits.
    dtype: dtype === 'auto' ? 'i8' : dtype,
    ignore,
    ignoreKeys,
    modelClass,
    architecture,
    shardBytes: shardSize,
    heads,
    textHeads,
    epsilon,
    activation,
    imageSize,
    patchSize,
    pooling,
    normFirst: flags.normLast ? false : flags.normFirst,
    qkScale,
    text,
    // Only what was given: `null` means none, and an absent part is looked for elsewhere.
    preprocess: { resize: orNull(resize), filter, crop: orNull(crop), mean, std },
  };
}

const CONFIG = 'or --config config.json';
const PREPROCESSOR = 'or --preprocessor preprocessor_config.json';

/** What a flag of each answer looks like; `=` takes the question's choices. */
const FLAGS: Record<AnswerName, string[]> = {
  layout: ['--layout ='],
  prefix: ['--prefix ='],
  ignore: ['--ignore NAMES'],
  text: ['--no-text'],
  config: ['--config config.json'],
  modelClass: ['--model-class ='],
  architecture: ['--architecture NAME', CONFIG],
  ignoreKeys: ['--ignore-keys ='],
  heads: ['--heads N', CONFIG],
  textHeads: ['--text-heads N', CONFIG],
  epsilon: ['--epsilon X', CONFIG],
  activation: ['--activation =', CONFIG],
  imageSize: ['--image-size HxW', CONFIG],
  patchSize: ['--patch-size HxW'],
  pooling: ['--pooling =', CONFIG],
  normFirst: ['--norm-first or --norm-last'],
  qkScale: ['--qk-scale X'],
  preprocessor: ['--preprocessor preprocessor_config.json'],
  preset: ['--preset WEIGHTS'],
  'preprocess.resize': ['--resize =', PREPROCESSOR],
  'preprocess.crop': ['--crop ='],
  'preprocess.filter': ['--filter =', PREPROCESSOR],
  'preprocess.mean': ['--mean A,B,C', PREPROCESSOR],
  'preprocess.std': ['--std A,B,C', PREPROCESSOR],
  labels: ['--labels FILE'],
  calibration: ['--calibration FILE'],
};

/** A message with the flags that answer its questions. */
export function withFlags({ message, questions = [] }: ViTError): string {
  return questions.reduce((text, { name, why, choices = [] }) => {
    const [flag, ...others] = FLAGS[name as AnswerName];
    const words = [flag.replace('=', choices.join('|')), ...others].join(', ');
    return text.replace(why, () => `${why} Give ${words}.`);
  }, message);
}
