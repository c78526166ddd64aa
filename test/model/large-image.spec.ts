/**
 * A picture of 12,000 x 9,000 pixels, wider and higher than a texture may be, against Pillow's bytes (`Image.resize` of
 * `large.png` to 61 x 47 by Lanczos). Read strip by strip; on the GPU strips are tested with small pictures, since
 * SwiftShader needs 14 seconds to upload this one.
 */
import { expect, test } from 'vitest';
import { rgbOnCpu } from '../../src/image/model-pixels.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { fixture, readBytes } from '../harness/files.ts';
import { countDifferences, decodeFile } from '../harness/preprocess-cases.ts';

const SPEC: Preprocess = {
  resize: { mode: 'squash', width: 61, height: 47 },
  filter: 'lanczos',
  crop: null,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

test('12,000 x 9,000', async () => {
  const { data } = await rgbOnCpu(await decodeFile('large.png'), SPEC);
  const expected = await readBytes(fixture('decode/large-61x47.rgb'));
  expect(countDifferences(data, expected)).toEqual({ differ: 0, largest: 0 });
});
