/**
 * timm's `pretrained_cfg`, and what `timm.data.create_transform` makes of it for evaluation.
 */
import { ViTError } from '../../error.ts';
import { type Crop, FILTERS, type Filter, type Resize } from '../../model/preprocess.ts';
import { fact } from '../fact.ts';
import type { JsonObject } from '../json.ts';
import type { PreprocessFacts } from './preprocess-facts.ts';

/**
 * @throws ViTError `bad-input` for values of a wrong type; when they are read, resize and crop throw `unsupported-model` for a way to
 *   crop that is not known.
 */
export function readPretrainedCfg(config: JsonObject): PreprocessFacts {
  const facts: PreprocessFacts = {
    filter: fact(filterOf(config), `${config.file}, interpolation`),
    mean: fact(config.numbers('mean'), `${config.file}, mean`),
    std: fact(config.numbers('std'), `${config.file}, std`),
  };
  const [, height, width] = config.numbers('input_size') ?? [];
  const part = config.number('crop_pct');
  if (!height || !width || !part) return facts;
  const mode = config.string('crop_mode') ?? 'center';
  const geometry = geometryOf(mode, height, width, part, facts.mean?.value);
  if (!geometry) {
    const refuse = (): never => {
      const what = `crop_mode ${mode} to ${height}x${width} pixels`;
      throw new ViTError('unsupported-model', `${config.file} has ${what}; a resize and a crop can be given instead.`);
    };
    // Where somebody else says it, nobody asks.
    return Object.defineProperties(facts, {
      resize: { get: refuse, enumerable: true },
      crop: { get: refuse, enumerable: true },
    });
  }
  const why = `${config.file}: crop_mode ${mode}, crop_pct ${part} of ${height}x${width}`;
  return { ...facts, resize: fact(geometry.resize, why), crop: fact(geometry.crop, why) };
}

/** The picture is scaled to `size / crop_pct`, truncated, and the middle is cut out. */
function geometryOf(
  mode: string,
  height: number,
  width: number,
  part: number,
  mean: number[] | undefined,
): { resize: Resize; crop: Crop } | undefined {
  const crop: Crop = { height, width, rounding: 'half-even' };
  const [scaledHeight, scaledWidth] = [Math.floor(height / part), Math.floor(width / part)];
  if (mode === 'squash') return { resize: { mode, height: scaledHeight, width: scaledWidth }, crop };
  // With rectangles timm scales by the ratio of both sides, which a manifest cannot say.
  if (scaledHeight !== scaledWidth) return undefined;
  if (mode === 'center') {
    // torchvision's Resize, which truncates; only timm's own ResizeKeepRatio rounds.
    return { resize: { mode: 'shortest-edge', size: scaledHeight, rounding: 'trunc' }, crop };
  }
  if (mode === 'border') {
    const [red, green, blue] = (mean ?? []).map((value) => Math.round(255 * value));
    if (blue === undefined) return undefined;
    const resize: Resize = { mode: 'longest-edge', size: scaledHeight, rounding: 'round' };
    return { resize, crop: { ...crop, fill: [red, green, blue] } };
  }
  return undefined;
}

function filterOf(config: JsonObject): Filter | undefined {
  const name = config.string('interpolation');
  const filter = FILTERS.find((candidate) => candidate === name);
  if (name !== undefined && !filter) {
    throw new ViTError(
      'unsupported-model',
      `${config.file} has interpolation ${name}; known are ${FILTERS.join(', ')}.`,
    );
  }
  return filter;
}
