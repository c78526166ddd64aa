/**
 * preprocessor_config.json as transformers writes it. What the file leaves out is the default of the processor's class.
 */
import { ViTError } from '../../error.ts';
import type { Crop, Filter, Resize } from '../../model/preprocess.ts';
import { type Fact, fact } from '../decisions.ts';
import { JsonObject } from '../json.ts';
import type { PreprocessFacts } from './facts.ts';

/** Defaults of a processor's class, in the words of preprocessor_config.json. */
interface Processor {
  size: Record<string, number>;
  resample: number;
  do_center_crop: boolean;
  crop_size: { height: number; width: number };
  image_mean: number[];
  image_std: number[];
}

const HALF = [0.5, 0.5, 0.5];
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
  DeiT: {
    size: { height: 256, width: 256 },
    resample: 3,
    do_center_crop: true,
    crop_size: SQUARE_224,
    image_mean: HALF,
    image_std: HALF,
  },
};

/** `PIL.Image.Resampling` */
const FILTER_NUMBERS: Filter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

/**
 * @param file the parsed preprocessor_config.json
 * @throws ViTError `bad-input` for values of a wrong type and sizes of an unknown form, `unsupported-model` for
 *   processors this version does not know and steps it cannot carry out.
 */
export function readPreprocessorConfig(file: unknown): PreprocessFacts {
  const config = new JsonObject('preprocessor_config.json', file);
  const [name, defaults] = processorOf(config);
  const why = (key: string) =>
    config.has(key) ? `${config.file}, ${key}` : `${name}'s default; ${config.file} has no ${key}`;
  refuseOtherScales(config);

  const resample = config.number('resample') ?? defaults.resample;
  if (FILTER_NUMBERS[resample] === undefined) {
    throw new ViTError('bad-input', `${config.file}: resample ${resample} is no filter of Pillow (0 to 5).`);
  }
  const normalize = config.boolean('do_normalize') ?? true;
  const unnormalized = <T>(value: T): Fact<T> => ({ value, why: `${config.file}, do_normalize` });
  return {
    resize: fact(resizeOf(config, defaults), why(config.boolean('do_resize') === false ? 'do_resize' : 'size')),
    filter: fact(FILTER_NUMBERS[resample], why('resample')),
    crop: fact(cropOf(config, defaults), why(config.has('do_center_crop') ? 'crop_size' : 'do_center_crop')),
    mean: normalize
      ? fact(config.numbers('image_mean') ?? defaults.image_mean, why('image_mean'))
      : unnormalized([0, 0, 0]),
    std: normalize
      ? fact(config.numbers('image_std') ?? defaults.image_std, why('image_std'))
      : unnormalized([1, 1, 1]),
  };
}

function processorOf(config: JsonObject): [string, Processor] {
  const name = config.string('image_processor_type') ?? config.string('feature_extractor_type');
  const stem = name?.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '');
  if (name && stem && Object.hasOwn(PROCESSORS, stem)) return [name, PROCESSORS[stem]];
  throw new ViTError(
    'unsupported-model',
    `${config.file} is for ${name ?? 'an image processor it does not name'}; this version knows those of ` +
      `${Object.keys(PROCESSORS).join(' and ')}. Leave it out and give --resize, --crop, --filter, --mean and --std.`,
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

function resizeOf(config: JsonObject, defaults: Processor): Resize | null {
  if (config.boolean('do_resize') === false) return null;
  // Files of old versions have one number, which meant what the class's own form of size means.
  const single = config.has('size') && !config.isObject('size') ? config.count('size') : undefined;
  if (single !== undefined) {
    if ('height' in defaults.size) return { mode: 'squash', height: single, width: single };
    return { mode: 'shortest-edge', size: single, rounding: 'trunc' };
  }
  const size = config.object('size') ?? new JsonObject('size', defaults.size);
  const [height, width, shortest] = [size.count('height'), size.count('width'), size.count('shortest_edge')];
  if (height && width) return { mode: 'squash', height, width };
  if (shortest && !size.has('longest_edge')) return { mode: 'shortest-edge', size: shortest, rounding: 'trunc' };
  throw new ViTError(
    'bad-input',
    `${config.file}: size has ${size.keys.join(' and ')}; known are height and width, or shortest_edge. Give --resize.`,
  );
}

function cropOf(config: JsonObject, defaults: Processor): Crop | null {
  if (!(config.boolean('do_center_crop') ?? defaults.do_center_crop)) return null;
  const square = config.has('crop_size') && !config.isObject('crop_size') ? config.count('crop_size') : undefined;
  if (square !== undefined) return { height: square, width: square, rounding: 'floor' };
  const size = config.object('crop_size') ?? new JsonObject('crop_size', defaults.crop_size);
  const [height, width] = [size.count('height'), size.count('width')];
  if (height && width) return { height, width, rounding: 'floor' };
  throw new ViTError('bad-input', `${config.file}: crop_size has ${size.keys.join(' and ')}, not height and width.`);
}
