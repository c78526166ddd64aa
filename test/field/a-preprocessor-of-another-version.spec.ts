/**
 * transformers 5 writes processor_config.json, old versions wrote no type, and defaults changed: what a file means is taken
 * from the class that goes with the model, and what is given by hand goes before all of it.
 */
import { describe, expect, test } from 'vitest';
import type { ConvertOptions } from '../../src/convert/convert.ts';
import { convertInMemory, fixtureJson, openFixture } from '../harness/checkpoints.ts';

const VIT = { config: fixtureJson('hf-vit/config.json'), heads: undefined, preprocess: undefined };
const SQUASHED = {
  resize: { mode: 'squash', height: 32, width: 32 },
  filter: 'bilinear',
  crop: null,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

const decide = async (preprocessor: unknown, options: Partial<ConvertOptions> = VIT, family = 'hf-vit') =>
  (await convertInMemory(await openFixture(family), { ...options, preprocessor })).manifest.preprocess;

const file = { image_processor_type: 'ViTImageProcessor', size: { height: 32, width: 32 }, resample: 2 };

test('processor_config.json has the part for pictures in it', async () => {
  expect(await decide({ image_processor: file, processor_class: 'CLIPProcessor' })).toEqual(SQUASHED);
});

describe('a file without a type', () => {
  test('is of the class that goes with the model', async () => {
    expect(await decide({ size: 32, do_normalize: true })).toEqual(SQUASHED);
  });

  test('of a CLIP resizes the shortest edge', async () => {
    const options = { config: fixtureJson('hf-clip/config.json'), heads: undefined, preprocess: undefined };
    expect(await decide({ size: 32, crop_size: 32 }, options, 'hf-clip')).toMatchObject({
      resize: { mode: 'shortest-edge', size: 32 },
      filter: 'bicubic',
    });
  });

  test('without a model is of no class', async () => {
    const options = { heads: 3, epsilon: 1e-12, activation: 'gelu' as const, preprocess: undefined };
    await expect(decide({ size: 32 }, options)).rejects.toThrow('an image processor it does not name');
  });
});

describe('what is given by hand goes before the file', () => {
  const parts = SQUASHED as ConvertOptions['preprocess'];

  test.each([
    ['without a type', { size: 32 }],
    ['of an unknown class', { image_processor_type: 'OwlViTImageProcessor' }],
    ['of another scale', { ...file, rescale_factor: 1 / 127.5 }],
    ['with a key of tomorrow', { ...file, sharpen: true }],
  ])('%s: it is not read to its end', async (_, preprocessor) => {
    const options = { heads: 3, epsilon: 1e-12, activation: 'gelu' as const, preprocess: parts };
    expect(await decide(preprocessor, options)).toEqual(SQUASHED);
  });

  test('and what is not given is', async () => {
    await expect(decide({ ...file, sharpen: true })).rejects.toThrow('sharpen true, which this version does not know');
  });
});

test('a BeitImageProcessor without size is asked about: version 5 resizes otherwise than those before it', async () => {
  const options = { config: fixtureJson('hf-beit/config.json'), heads: undefined, preprocess: undefined };
  const unsized = { image_processor_type: 'BeitImageProcessor' };
  await expect(decide(unsized, options, 'hf-beit')).rejects.toMatchObject({
    questions: [{ name: 'preprocess.resize' }, { name: 'preprocess.crop' }],
  });
  const sized = { ...unsized, size: { height: 32, width: 32 } };
  expect(await decide(sized, { ...options, preprocess: { crop: null } }, 'hf-beit')).toMatchObject({ crop: null });
});
