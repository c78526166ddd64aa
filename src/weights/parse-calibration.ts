/**
 * How far scores may be believed, as a manifest says it, or the file that a converter is given.
 */
import type { Field } from './field.ts';
import type { Calibration } from './manifest.ts';

/** @throws ViTError of the field's code for numbers that make no sense. */
export function parseCalibration(field: Field): Calibration {
  const temperature = field.get('temperature').number();
  if (temperature <= 0) field.get('temperature').fail(`is ${temperature}; it must be above 0`);
  if (!field.has('threshold')) return { temperature };
  const threshold = field.get('threshold').number();
  if (threshold < 0 || threshold > 1) field.get('threshold').fail(`is ${threshold}; it must be from 0 to 1`);
  return { temperature, threshold };
}
