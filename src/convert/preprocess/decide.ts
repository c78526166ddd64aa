/**
 * Decides the preprocessing, part by part: from flags, then torchvision's preset, then preprocessor_config.json, then timm's
 * config.json, then what a family's library does with all of its models.
 */
import { ViTError } from '../../error.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { Crop, Preprocess, Resize } from '../../model/preprocess.ts';
import { type Decisions, fact } from '../decisions.ts';
import type { PreprocessFacts } from './facts.ts';

/**
 * @param sources what config files tell, the weightiest first
 * @returns `undefined` after a question was asked.
 * @throws ViTError `bad-input` when the outcome does not fit the model.
 */
export function decidePreprocess(
  { imageSize: [height, width], channels }: Pick<Architecture, 'imageSize' | 'channels'>,
  flags: Partial<Preprocess>,
  sources: PreprocessFacts[],
  decisions: Decisions,
): Preprocess | undefined {
  const told = <Part extends keyof PreprocessFacts>(part: Part) => sources.map((source) => source[part]);
  const resize = decisions.choose<Resize | null>(
    'resize',
    [fact(flags.resize, '--resize'), ...told('resize')],
    'How pictures are resized is not known. Give --preprocessor preprocessor_config.json, or --resize ' +
      `squash:${height}x${width} or --resize shortest-edge:N.`,
  );
  const whole = resize?.mode === 'squash' && resize.height === height && resize.width === width;
  const crop = decisions.choose<Crop | null>(
    'crop',
    [
      fact(flags.crop, '--crop'),
      ...told('crop'),
      whole ? { value: null, why: 'resizing gives the size of the model' } : undefined,
    ],
    `How pictures are cropped is not known. Give --crop ${height}x${width}; --resize squash:${height}x${width} needs none.`,
  );
  const filter = decisions.choose(
    'filter',
    [fact(flags.filter, '--filter'), ...told('filter')],
    'The filter for resizing is not known. Give --filter bilinear, bicubic or another of Pillow.',
  );
  const mean = decisions.choose<number[]>(
    'mean',
    [fact(flags.mean, '--mean'), ...told('mean')],
    'The mean of the pixels is not known. Give --mean, one number per channel, such as 0.485,0.456,0.406.',
  );
  const std = decisions.choose<number[]>(
    'std',
    [fact(flags.std, '--std'), ...told('std')],
    'The standard deviation of the pixels is not known. Give --std, one number per channel, such as 0.229,0.224,0.225.',
  );
  if (resize === undefined || crop === undefined || !filter || !mean || !std) return undefined;
  checkSize(resize, crop, height, width);
  checkChannels('mean', mean, channels);
  checkChannels('std', std, channels);
  if (!std.every((value) => value > 0)) throw new ViTError('bad-input', `std must be above 0, not ${std}.`);
  return { resize, filter, crop, mean, std };
}

/** Whatever the picture, the outcome must have the size of the model. */
function checkSize(resize: Resize | null, crop: Crop | null, height: number, width: number): void {
  const outcome = crop ?? (resize?.mode === 'squash' ? resize : undefined);
  if (!outcome) {
    throw new ViTError(
      'bad-input',
      `After resizing, a picture may have any size. Give --crop ${height}x${width} or --resize squash:${height}x${width}.`,
    );
  }
  if (outcome.height !== height || outcome.width !== width) {
    throw new ViTError(
      'bad-input',
      `Preprocessing gives ${outcome.height}x${outcome.width} pixels, but the model takes ${height}x${width}. ` +
        'Change it with --resize and --crop.',
    );
  }
}

function checkChannels(what: string, values: number[], channels: number): void {
  if (values.length === channels && values.every(Number.isFinite)) return;
  throw new ViTError('bad-input', `${what} must be ${channels} numbers, one per channel, not ${values.join(', ')}.`);
}
