/**
 * A model of one channel, shown a colour picture: its library opens the picture as grey and resizes that. Resized first and
 * made grey then, pixels differ in their last bits, and logits by up to 0.08.
 */
import { expect, test } from 'vitest';
import { resizeToSpec } from '../../src/image/model-pixels.ts';
import { normalize, normalizeTable } from '../../src/image/normalize-bytes.ts';
import { pixelSource } from '../../src/image/pixels.ts';
import { expectWithin } from '../harness/arrays.ts';
import { convertInMemory } from '../harness/checkpoints.ts';
import { fieldBytes, fieldJson, openField, outputOf } from '../harness/field.ts';

interface Expected {
  greyfirst: number[];
  resizefirst: number[];
  photo: { file: string; width: number; height: number };
}

test('is shown their grey', async () => {
  const { greyfirst, resizefirst, photo } = fieldJson('grey/expected.json') as unknown as Expected;
  const converted = await convertInMemory(await openField('grey/model.safetensors'), {
    config: fieldJson('grey/config.json'),
    heads: undefined,
    preprocess: undefined,
  });
  const spec = converted.manifest.preprocess;
  const { data } = resizeToSpec(pixelSource({ ...photo, data: fieldBytes(`grey/${photo.file}`), channels: 3 }), spec);
  const logits = outputOf(converted, 'logits', normalize(data, normalizeTable(spec, 1), 1), 1);
  expectWithin(logits, greyfirst, 1e-4);
  expect(Math.max(...resizefirst.map((logit, i) => Math.abs(logit - logits[i])))).toBeGreaterThan(0.05);
});
