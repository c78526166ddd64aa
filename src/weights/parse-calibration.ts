/**
 * How far scores may be believed, as a manifest says it, or the file that a converter is given.
 */
import type { Field } from './field.ts';
import type { Calibration } from './manifest.ts';

/**
 * @param classes of the model; where it is left out, any number of them
 * @throws ViTError of the field's code for numbers that make no sense.
 */
export function parseCalibration(field: Field, classes?: number): Calibration {
  const temperature = field.get('temperature').number();
  if (temperature <= 0) field.get('temperature').fail(`is ${temperature}; it must be above 0`);
  const has = field.has('thresholds');
  return {
    temperature,
    // A reader of before knows this one alone.
    ...((has || field.has('threshold')) && { threshold: parseThreshold(field.get('threshold')) }),
    ...(has && { thresholds: field.get('thresholds').list(parseThreshold, classes) }),
  };
}

function parseThreshold(field: Field): number {
  const threshold = field.number();
  if (threshold < 0 || threshold > 1) field.fail(`is ${threshold}; it must be from 0 to 1`);
  return threshold;
}
