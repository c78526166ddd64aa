/**
 * Decode, resize and crop of real files in a real browser, against Pillow's bytes (`test/fixtures/preprocess`; the
 * library and its version stand in `cases.json`). The tolerance is zero bytes.
 */
import { describe, expect, test } from 'vitest';
import { rgbOnCpu } from '../../src/image/model-pixels.ts';
import { countDifferences, fixtureBlob, fixtureBytes, preprocessCases } from '../harness/preprocess-cases.ts';

const { cases, pipelines } = await preprocessCases();

test('all 60 cases are here', () => expect(cases).toHaveLength(60));

describe('the CPU path gives the bytes of Pillow', () => {
  test.for(cases)('$image, $pipeline', async ({ image, pipeline, expected, width, height }) => {
    const file = await fixtureBlob(image);
    const result = await rgbOnCpu(file, pipelines[pipeline]);
    expect([result.width, result.height]).toEqual([width, height]);
    expect(countDifferences(result.data, await fixtureBytes(expected))).toEqual({ differ: 0, largest: 0 });
  });
});
