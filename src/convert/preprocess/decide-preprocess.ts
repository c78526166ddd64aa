/**
 * Decides the preprocessing, part by part: from answers, then torchvision's preset, then the preprocessor's config, then the
 * model's config, then what a family's library does with all of its models.
 */
import { ViTError } from '../../error.ts';
import type { Architecture } from '../../model/architecture.ts';
import { type Crop, FILTERS, type Filter, type Preprocess, type Resize } from '../../model/preprocess.ts';
import { type Decisions, question } from '../decisions.ts';
import { given } from '../fact.ts';
import type { Facts } from '../facts.ts';
import { readPreprocessorConfig } from './image-processor.ts';
import type { PreprocessFacts } from './preprocess-facts.ts';
import { torchvisionPreset } from './torchvision-presets.ts';

/** What files and the family say, the weightiest first. */
export function preprocessSources(
  { config, family, answers: { preset, preprocessor } }: Facts,
  imageSize: Architecture['imageSize'],
): PreprocessFacts[] {
  return [
    ...(preset === undefined ? [] : [torchvisionPreset(preset)]),
    ...(preprocessor === undefined ? [] : [readPreprocessorConfig(preprocessor, config?.imageProcessor)]),
    ...(config ? [config.preprocess] : []),
    family.preprocess?.(imageSize) ?? {},
  ];
}

/**
 * @param parts that are given by hand: they go before all sources, which are read as far as they are needed
 * @returns `undefined` after a question was asked.
 * @throws ViTError `bad-input` when the outcome does not fit the model.
 */
export function decidePreprocess(
  { imageSize: [height, width], patchSize, channels }: Pick<Architecture, 'imageSize' | 'patchSize' | 'channels'>,
  parts: Partial<Preprocess>,
  sources: readonly PreprocessFacts[],
  decisions: Decisions,
): Preprocess | undefined {
  const known = <Part extends keyof PreprocessFacts>(part: Part): PreprocessFacts[Part] => {
    if (parts[part] !== undefined) return given(parts[part]) as PreprocessFacts[Part];
    for (const source of sources) {
      const found = source[part];
      if (found) return found;
    }
    return undefined;
  };
  const resize = decisions.choose<Resize | null>('resize', [known('resize')], {
    name: 'preprocess.resize',
    why: 'How pictures are resized is not known.',
    choices: [`squash:${height}x${width}`, 'shortest-edge:N'],
  });
  const keepsShape = resize?.mode === 'patches';
  const whole = keepsShape || (resize?.mode === 'squash' && resize.height === height && resize.width === width);
  const crop = decisions.choose<Crop | null>(
    'crop',
    [known('crop'), whole ? { value: null, why: 'resizing gives the size of the model' } : undefined],
    {
      name: 'preprocess.crop',
      why: `How pictures are cropped is not known; squashed to ${height}x${width} they need no crop.`,
      choices: [`${height}x${width}`, 'none'],
    },
  );
  const filter = decisions.choose<Filter>('filter', [known('filter')], {
    name: 'preprocess.filter',
    why: 'The filter for resizing is not known.',
    choices: FILTERS,
  });
  const perChannel = (what: string, example: string) =>
    `The ${what} of the pixels, of 0 to 1, is not known: one number per channel, such as ${example}.`;
  const mean = decisions.choose<number[]>('mean', [known('mean')], {
    name: 'preprocess.mean',
    why: perChannel('mean', '0.485,0.456,0.406'),
  });
  const std = decisions.choose<number[]>('std', [known('std')], {
    name: 'preprocess.std',
    why: perChannel('standard deviation', '0.229,0.224,0.225'),
  });
  if (resize === undefined || crop === undefined || !filter || !mean || !std) return undefined;
  if (keepsShape) checkPatches(resize, crop, patchSize);
  else checkSize(resize, crop, height, width);
  checkChannels('mean', mean, channels);
  checkChannels('std', std, channels);
  if (!std.every((value) => value > 0)) throw new ViTError('bad-input', `std must be above 0, not ${std}.`);
  return { resize, filter, crop, mean, std };
}

/** A picture becomes whole patches of the model. */
function checkPatches({ size }: { size: number }, crop: Crop | null, patchSize: Architecture['patchSize']): void {
  if (!crop && patchSize.every((side) => side === size)) return;
  const found = crop ? 'crops pictures that keep their shape' : `gives patches of ${size}`;
  throw new ViTError('bad-input', `Preprocessing ${found}; the model takes whole patches of ${patchSize.join('x')}.`);
}

/** Whatever the picture, the outcome must have the size of the model. */
function checkSize(resize: Resize | null, crop: Crop | null, height: number, width: number): void {
  const outcome = crop ?? (resize?.mode === 'squash' ? resize : undefined);
  if (!outcome) {
    throw question(
      'preprocess.crop',
      `After resizing, a picture may have any size: a crop to ${height}x${width} is missing, or squashing to that.`,
      [`${height}x${width}`],
    );
  }
  if (outcome.height !== height || outcome.width !== width) {
    throw new ViTError(
      'bad-input',
      `Preprocessing gives ${outcome.height}x${outcome.width} pixels, but the model takes ${height}x${width}. ` +
        'Another resize and crop are needed.',
    );
  }
}

function checkChannels(what: string, values: number[], channels: number): void {
  if (values.length === channels && values.every(Number.isFinite)) return;
  throw new ViTError('bad-input', `${what} must be ${channels} numbers, one per channel, not ${values.join(', ')}.`);
}
