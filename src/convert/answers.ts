/**
 * What a person may say of a checkpoint. Each name here is that of a question, which an `unsupported-model` carries where
 * nothing else answers it; the command line makes a flag of each.
 */
import type { Activation } from '../model/layers.ts';
import type { Preprocess } from '../model/preprocess.ts';
import type { Calibration, Dtype } from '../weights/manifest.ts';
import type { PreprocessFacts } from './preprocess/preprocess-facts.ts';

/** Poolings that are in no tensor. */
export const TOKEN_POOLINGS = ['class', 'patches', 'all'] as const;

export interface Answers {
  /** Which library's names the tensors have. Default `auto`: found out from the names. */
  layout?: string;
  /** What stands before the names of the model's tensors. Default: found out from the names. */
  prefix?: string;
  /** Names of tensors to leave out although their meaning is not known. */
  ignore?: string[];
  /** False leaves out a text tower: the embeddings of images stay what they are. */
  text?: boolean;

  /** The parsed config.json of timm or transformers, or open_clip_config.json. */
  config?: unknown;
  /** The class of transformers that is wanted, instead of the one in config.json: `ViTModel`. */
  modelClass?: string;
  /** timm's name of the model, where there is no config.json: `deit3_base_patch16_224`. */
  architecture?: string;
  /** Keys of config.json that change no result although their meaning is not known. */
  ignoreKeys?: string[];

  heads?: number;
  /** Of a text tower. */
  textHeads?: number;
  /** Of the norms. */
  epsilon?: number;
  activation?: Activation;
  /** [height, width] in pixels. */
  imageSize?: [number, number];
  /** [height, width] in pixels. */
  patchSize?: [number, number];
  pooling?: (typeof TOKEN_POOLINGS)[number];
  /** Whether norms stand before attention and MLP (`true`) or after them. */
  normFirst?: boolean;
  /** What Q Kᵀ is multiplied with. */
  qkScale?: number;

  /** The parsed preprocessor_config.json or processor_config.json of transformers. */
  preprocessor?: unknown;
  /** One of `TORCHVISION_PRESETS`: the preprocessing of torchvision's weights. */
  preset?: string;
  /** Parts of the preprocessing; they take precedence over config files. */
  preprocess?: Partial<Preprocess>;

  /** One per class. */
  labels?: string[];
  /** How far the model's scores may be believed. */
  calibration?: Calibration;
}

/** What a page may say of a checkpoint that it loads as it is. */
export interface Conversion extends Answers {
  /** Of the model. Default: that of the repository or the file. */
  name?: string;
  /** The checkpoint's path in the repository, or its name among the files, where there are several. */
  file?: string;
  /** Default `f32`, as exact as the checkpoint. */
  dtype?: Dtype;
  /** Makes a text of a label, which takes the place of `{}`. Default: the family's. */
  template?: string;
}

/** The name of an answer; parts of the preprocessing are questions of their own. */
export type AnswerName = Exclude<keyof Answers, 'preprocess'> | `preprocess.${keyof PreprocessFacts}`;
