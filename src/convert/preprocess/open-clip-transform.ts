/**
 * open_clip's `preprocess_cfg`, and what its `image_transform` makes of it outside of training (open_clip/transform.py).
 */
import { ViTError } from '../../error.ts';
import type { Filter } from '../../model/preprocess.ts';
import { type Keys, only, read, unused } from '../configs/known-keys.ts';
import { fact } from '../fact.ts';
import type { JsonObject } from '../json.ts';
import type { PreprocessFacts } from './preprocess-facts.ts';

export const PREPROCESS_CFG: Keys = {
  size: read,
  mode: only('RGB'),
  mean: read,
  std: read,
  interpolation: read,
  resize_mode: read,
  fill_color: unused, // pictures are cropped to their middle, not padded
};

const MEAN = [0.48145466, 0.4578275, 0.40821073];
const STD = [0.26862954, 0.26130258, 0.27577711];
const FILTERS: Filter[] = ['bicubic', 'bilinear'];

/**
 * @param imageSize [height, width] of the model
 * @throws ViTError `unsupported-model` for a filter or a way to resize that this version does not know
 */
export function readPreprocessCfg(config: JsonObject, imageSize: [number, number]): PreprocessFacts {
  const [height, width] = config.size('size') ?? imageSize;
  const why = (key: string) =>
    config.has(key) ? `${config.file}, ${key}` : `open_clip's default; no ${key} in ${config.file}`;
  const mode = config.string('resize_mode') ?? 'shortest';
  const interpolation = config.string('interpolation') ?? 'bicubic';
  const filter = FILTERS.find((known) => known === interpolation);
  if (!filter) {
    throw new ViTError(
      'unsupported-model',
      `${config.file} has interpolation ${interpolation}; known are ${FILTERS.join(' and ')}.`,
    );
  }
  if (mode !== 'squash' && (mode !== 'shortest' || height !== width)) {
    throw new ViTError(
      'unsupported-model',
      `${config.file} has resize_mode ${mode} to ${height}x${width} pixels; known are squash, and shortest to a square.`,
    );
  }
  const resize =
    mode === 'squash'
      ? ({ mode, height, width } as const)
      : ({ mode: 'shortest-edge', size: height, rounding: 'trunc' } as const);
  return {
    resize: fact(resize, why('resize_mode')),
    crop: fact(mode === 'squash' ? null : { height, width, rounding: 'half-even' }, why('resize_mode')),
    filter: fact(filter, why('interpolation')),
    mean: fact(config.numbers('mean') ?? MEAN, why('mean')),
    std: fact(config.numbers('std') ?? STD, why('std')),
  };
}
