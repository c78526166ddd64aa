/**
 * The golden of a manifest: its input, what is kept of the output, and which ones are refused.
 */
import { describe, expect, test } from 'vitest';
import { goldenIds, goldenPixels } from '../../src/model/golden.ts';
import type { Golden } from '../../src/weights/manifest.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { convertInMemory, fixtureJson, openFixture } from '../harness/checkpoints.ts';
import { TINY, TINY_CLIP, TINY_TEXT, tinyModel } from '../harness/tiny-model.ts';

test('the pixels are those of the generator that docs/manifest.md describes', () => {
  // state 1 -> 1015568748 -> 1586005467, by hand.
  const pixels = [1015568748, 1586005467].map((state) => Math.floor(state / 256) / 2 ** 23 - 1);
  expect([...goldenPixels(1, [1, 1, 1, 2])]).toEqual(pixels);
});

describe('the text', () => {
  test('is as long as the model takes, and ends at its end', () => {
    const ids = goldenIds(1, TINY_TEXT);
    expect(ids).toHaveLength(TINY_TEXT.tokens);
    expect(ids.indexOf(29)).toBe(TINY_TEXT.tokens - 1);
    expect(new Set(ids).size).toBeGreaterThan(3);
  });

  test('ends once, however often the generator gives its end', () => {
    for (let seed = 0; seed < 50; seed++) {
      const ids = goldenIds(seed, { ...TINY_TEXT, vocabulary: 2, endOfText: 1 });
      expect(ids).toEqual([0, 0, 0, 0, 0, 1]);
    }
  });

  test('of a CLIP of transformers is in its manifest, with an embedding of length 1', async () => {
    const { manifest } = await convertInMemory(await openFixture('hf-clip'), {
      config: fixtureJson('hf-clip/config.json'),
    });
    const { ids, embedding } = manifest.golden.text!;
    expect([ids.length, ids.at(-1)]).toEqual([16, 63]);
    expect(embedding).toHaveLength(24);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 6);
  });

  test('is not there without a text tower', async () => {
    expect((await tinyModel(TINY)).manifest.golden).not.toHaveProperty('text');
  });
});

describe('a manifest is refused whose golden', () => {
  const change: [string, (golden: Golden) => unknown, string][] = [
    ['has too many numbers', ({ logits }) => logits.push(1), 'golden.logits has 1 entries instead of 0'],
    ['has no embedding', (golden) => delete golden.embedding, 'golden.embedding is missing'],
    ['has no text', (golden) => delete golden.text, 'golden.text is missing'],
    [
      'has too short an embedding',
      ({ text }) => text!.embedding.pop(),
      'golden.text.embedding has 9 entries instead of 10',
    ],
    // Whether they are a text is found out with the first text: see text-tower.spec.ts.
    ['has a token that the model has not', ({ text }) => text!.ids.splice(0, 1, 30), 'golden.text.ids[0] must be'],
  ];
  test.each(change)('%s', async (_, spoil, message) => {
    const { manifest } = await tinyModel(TINY_CLIP);
    expect(() => parseManifest(manifest, 'model.json')).not.toThrow();
    spoil(manifest.golden);
    expect(() => parseManifest(manifest, 'model.json')).toThrow(message);
  });
});
