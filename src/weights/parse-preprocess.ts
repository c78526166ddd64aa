/**
 * What happens to a picture, from JSON: of a manifest, or of a caller who wants another one than the model's.
 */
import { FILTERS, type Preprocess, type Resize } from '../model/preprocess.ts';
import type { Field } from './field.ts';

/** @param channels of the model; where it is left out, any number of them */
export function parsePreprocess(field: Field, channels?: number): Preprocess {
  const numbers = (name: string) => field.get(name).list((value) => value.number(), channels);
  const std = numbers('std');
  if (std.includes(0)) field.get('std').fail('holds a zero');
  return {
    ...(field.has('background') && { background: field.get('background').rgb() }),
    ...(field.has('orientation') && { orientation: field.get('orientation').oneOf(['exif', 'stored'] as const) }),
    resize: field.get('resize').nullable(parseResize),
    filter: field.get('filter').oneOf(FILTERS),
    crop: field.get('crop').nullable((crop) => ({
      height: crop.get('height').integer(1),
      width: crop.get('width').integer(1),
      rounding: crop.get('rounding').oneOf(['floor', 'half-even']),
      ...(crop.has('fill') && { fill: crop.get('fill').rgb() }),
    })),
    mean: numbers('mean'),
    std,
  };
}

function parseResize(field: Field): Resize {
  const mode = field.get('mode').oneOf(['squash', 'shortest-edge', 'longest-edge', 'patches']);
  if (mode === 'squash') return { mode, height: field.get('height').integer(1), width: field.get('width').integer(1) };
  const size = field.get('size').integer(1);
  if (mode === 'patches') return { mode, size, most: field.get('most').integer(1) };
  return { mode, size, rounding: field.get('rounding').oneOf(['trunc', 'round']) };
}
