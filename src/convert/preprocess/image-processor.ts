/**
 * preprocessor_config.json as transformers writes it, or the part of a processor_config.json that version 5 writes. What the file leaves out is the default of the processor's class.
 */
import { ViTError } from '../../error.ts';
import type { Crop, Filter, Resize } from '../../model/preprocess.ts';
import { checkKeys, each, type Keys, only, read, unused } from '../configs/known-keys.ts';
import { type Fact, fact } from '../fact.ts';
import { JsonObject } from '../json.ts';
import type { PreprocessFacts } from './preprocess-facts.ts';

/** Defaults of a processor's class, in the words of preprocessor_config.json. */
interface Processor {
  /** Left out where versions of the class differ. */
  size?: Record<string, number>;
  resample: number;
  do_center_crop?: boolean;
  crop_size: { height: number; width: number };
  image_mean: number[];
  image_std: number[];
  /** Of a processor that keeps the shape of pictures. */
  patch_size?: number;
  max_num_patches?: number;
}

const HALF = [0.5, 0.5, 0.5];
const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_STD = [0.229, 0.224, 0.225];
const OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073];
const OPENAI_STD = [0.26862954, 0.26130258, 0.27577711];
const SQUARE_224 = { height: 224, width: 224 };

/** By the class's name without `ImageProcessor`, `ImageProcessorFast`, `ImageProcessorPil` or `FeatureExtractor`. */
const PROCESSORS: Record<string, Processor> = {
  ViT: {
    size: SQUARE_224,
    resample: 2,
    do_center_crop: false,
    crop_size: SQUARE_224,
    image_mean: HALF,
    image_std: HALF,
  },
  Siglip: {
    size: SQUARE_224,
    resample: 3,
    do_center_crop: false,
    crop_size: SQUARE_224,
    image_mean: HALF,
    image_std: HALF,
  },
  // NaFlex: the fixed sizes are SigLIP's.
  Siglip2: {
    resample: 2,
    do_center_crop: false,
    crop_size: SQUARE_224,
    image_mean: HALF,
    image_std: HALF,
    patch_size: 16,
    max_num_patches: 256,
  },
  Beit: {
    size: SQUARE_224,
    resample: 3,
    do_center_crop: false,
    crop_size: SQUARE_224,
    image_mean: HALF,
    image_std: HALF,
  },
  CLIP: {
    size: { shortest_edge: 224 },
    resample: 3,
    do_center_crop: true,
    crop_size: SQUARE_224,
    image_mean: OPENAI_MEAN,
    image_std: OPENAI_STD,
  },
  // DINOv2's.
  Bit: {
    size: { shortest_edge: 224 },
    resample: 3,
    do_center_crop: true,
    crop_size: SQUARE_224,
    image_mean: OPENAI_MEAN,
    image_std: OPENAI_STD,
  },
  // Resizes numbers, not bytes: up to half a step of 255 apart.
  DINOv3ViT: {
    size: SQUARE_224,
    resample: 2,
    do_center_crop: false,
    crop_size: SQUARE_224,
    image_mean: IMAGENET_MEAN,
    image_std: IMAGENET_STD,
  },
  DeiT: {
    size: { height: 256, width: 256 },
    resample: 3,
    do_center_crop: true,
    crop_size: SQUARE_224,
    image_mean: HALF,
    image_std: HALF,
  },
};

/** What version 5 does otherwise than those before it: a file that does not say it leaves it open. */
const CHANGED: Record<string, Partial<Processor>> = { Beit: { size: undefined, do_center_crop: undefined } };

/** `PIL.Image.Resampling` */
const FILTER_NUMBERS: Filter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

/** What stands in the file beside what is read. */
const KEYS: Keys = {
  ...each(
    'image_processor_type feature_extractor_type size resample crop_size image_mean image_std do_resize do_center_crop patch_size max_num_patches do_rescale rescale_factor do_normalize',
    read,
  ),
  do_convert_rgb: unused, // pictures are RGB here, or grey for a model of one channel
  do_reduce_labels: unused, // of the labels of segmentation
  reduce_labels: unused, // of the labels of segmentation
  default_to_square: unused, // size says it
  processor_class: unused, // a name
  auto_map: only(),
  do_pad: only(false),
  do_flip_channel_order: only(false),
  pad_size: unused, // nothing is padded
  size_divisor: only(),
  crop_pct: only(),
  ...each('data_format input_data_format return_tensors device', unused), // of the form of the result
  disable_grouping: unused, // the same numbers in another way
  image_seq_length: unused, // only language models read it
  image_seq_len: unused, // only language models read it
};

/**
 * A part is read when it is asked for: what is in the way of one that nobody needs is no error.
 * @param file the parsed preprocessor_config.json, or a processor_config.json with an `image_processor` in it
 * @param usual the class that goes with the model, for files that name none
 * @throws ViTError each part: `bad-input` for values of a wrong type and sizes of an unknown form, `unsupported-model` for
 *   processors this version does not know, keys it does not understand and steps it cannot carry out.
 */
export function readPreprocessorConfig(file: unknown, usual?: string): PreprocessFacts {
  const whole = new JsonObject('preprocessor_config.json', file);
  const config = whole.has('image_processor')
    ? new JsonObject('processor_config.json, image_processor', whole.value('image_processor'))
    : whole;
  let known: { name: string; defaults: Processor } | undefined;
  const processor = () => {
    known ??= processorOf(config, usual);
    refuseUnknown(config);
    return known;
  };
  const part = <T>(key: string, read: (defaults: Processor) => T | undefined): Fact<T> | undefined => {
    const { name, defaults } = processor();
    const why = config.has(key) ? `${config.file}, ${key}` : `${name}'s default; ${config.file} has no ${key}`;
    return fact(read(defaults), why);
  };
  const pixels = (key: 'image_mean' | 'image_std', untouched: number[]) => {
    refuseOtherScales(config);
    if (config.boolean('do_normalize') === false) return fact(untouched, `${config.file}, do_normalize`);
    return part(key, (defaults) => config.numbers(key) ?? defaults[key]);
  };
  return {
    get resize() {
      const size = config.has('max_num_patches') ? 'max_num_patches' : 'size';
      return part(config.boolean('do_resize') === false ? 'do_resize' : size, (defaults) => resizeOf(config, defaults));
    },
    get filter() {
      return part('resample', (defaults) => filterOf(config, defaults));
    },
    get crop() {
      return part(config.has('do_center_crop') ? 'crop_size' : 'do_center_crop', (defaults) =>
        cropOf(config, defaults),
      );
    },
    get mean() {
      return pixels('image_mean', [0, 0, 0]);
    },
    get std() {
      return pixels('image_std', [1, 1, 1]);
    },
  };
}

function processorOf(config: JsonObject, usual: string | undefined): { name: string; defaults: Processor } {
  const stated = config.string('image_processor_type') ?? config.string('feature_extractor_type');
  const name = stated ?? (usual && `${usual}ImageProcessor`);
  const stem = name?.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '');
  if (name && stem && Object.hasOwn(PROCESSORS, stem)) {
    const changed = stem in CHANGED && !name.endsWith('Fast');
    return { name, defaults: { ...PROCESSORS[stem], ...(changed && CHANGED[stem]) } };
  }
  throw new ViTError(
    'unsupported-model',
    `${config.file} is for ${name ?? 'an image processor it does not name'}; this version knows those of ` +
      `${Object.keys(PROCESSORS).join(' and ')}. Resize, crop, filter, mean and std can be given instead.`,
  );
}

function refuseUnknown(config: JsonObject): void {
  const { unknown } = checkKeys(config, KEYS);
  if (unknown.length === 0) return;
  throw new ViTError(
    'unsupported-model',
    `${unknown[0].claim}, which this version does not know. Resize, crop, filter, mean and std can be given instead.`,
  );
}

function refuseOtherScales(config: JsonObject): void {
  const factor = config.boolean('do_rescale') === false ? 1 : (config.number('rescale_factor') ?? 1 / 255);
  if (Math.abs(factor * 255 - 1) < 1e-6) return;
  throw new ViTError(
    'unsupported-model',
    `${config.file} scales bytes by ${factor}; this version divides by 255 only.`,
  );
}

function filterOf(config: JsonObject, defaults: Processor): Filter {
  const resample = config.number('resample') ?? defaults.resample;
  const filter = FILTER_NUMBERS[resample];
  if (filter) return filter;
  throw new ViTError('bad-input', `${config.file}: resample ${resample} is no filter of Pillow (0 to 5).`);
}

function resizeOf(config: JsonObject, defaults: Processor): Resize | null | undefined {
  if (config.boolean('do_resize') === false) return null;
  if (defaults.patch_size && defaults.max_num_patches) {
    const size = config.count('patch_size') ?? defaults.patch_size;
    return { mode: 'patches', size, most: config.count('max_num_patches') ?? defaults.max_num_patches };
  }
  // Files of old versions have one number, which meant what the class's own form of size means.
  const single = config.has('size') && !config.isObject('size') ? config.count('size') : undefined;
  if (single !== undefined) {
    if (!defaults.size || 'height' in defaults.size) return { mode: 'squash', height: single, width: single };
    return { mode: 'shortest-edge', size: single, rounding: 'trunc' };
  }
  const size = config.object('size') ?? (defaults.size && new JsonObject('size', defaults.size));
  if (!size) return undefined;
  const [height, width, shortest] = [size.count('height'), size.count('width'), size.count('shortest_edge')];
  if (height && width) return { mode: 'squash', height, width };
  if (shortest && !size.has('longest_edge')) return { mode: 'shortest-edge', size: shortest, rounding: 'trunc' };
  throw new ViTError(
    'bad-input',
    `${config.file}: size has ${size.keys.join(' and ')}; known are height and width, or shortest_edge. A resize can be given instead.`,
  );
}

function cropOf(config: JsonObject, defaults: Processor): Crop | null | undefined {
  const crops = config.boolean('do_center_crop') ?? defaults.do_center_crop;
  if (!crops) return crops === undefined ? undefined : null;
  const square = config.has('crop_size') && !config.isObject('crop_size') ? config.count('crop_size') : undefined;
  if (square !== undefined) return { height: square, width: square, rounding: 'floor' };
  const size = config.object('crop_size') ?? new JsonObject('crop_size', defaults.crop_size);
  const [height, width] = [size.count('height'), size.count('width')];
  if (height && width) return { height, width, rounding: 'floor' };
  throw new ViTError('bad-input', `${config.file}: crop_size has ${size.keys.join(' and ')}, not height and width.`);
}
