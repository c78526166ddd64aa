/**
 * Sizes, resize and crop as they are written: the command line and the page's form read them alike.
 */
import { describe, expect, test } from 'vitest';
import { parseCrop, parseResize, parseSize } from '../../src/cli/flags.ts';
import { readAnswer } from '../../src/page/state/conversion.ts';

describe.each<[string, (text: string) => unknown, string, [string, unknown][], string[]]>([
  [
    'preprocess.resize',
    parseResize,
    'Give squash:HxW',
    [
      ['squash:224x336', { mode: 'squash', height: 224, width: 336 }],
      ['shortest-edge:256', { mode: 'shortest-edge', size: 256, rounding: 'trunc' }],
      ['shortest-edge:256:round', { mode: 'shortest-edge', size: 256, rounding: 'round' }],
      ['longest-edge:256', { mode: 'longest-edge', size: 256, rounding: 'trunc' }],
      ['patches:16:256', { mode: 'patches', size: 16, most: 256 }],
      ['none', null],
    ],
    [
      'squash:32',
      'squash:32x32:round',
      'squash:0x32',
      'shortest-edge:',
      'shortest-edge:256:up',
      'patches:16',
      'edge:9',
      '',
    ],
  ],
  [
    'preprocess.crop',
    parseCrop,
    'Give HxW',
    [
      ['224x336', { height: 224, width: 336, rounding: 'half-even' }],
      ['224x336:floor', { height: 224, width: 336, rounding: 'floor' }],
      ['none', null],
    ],
    ['224', '224x224:up', '224x224:floor:floor', 'x'],
  ],
  ['imageSize', parseSize, 'Give height and width', [['224x336', [224, 336]]], ['224x', '0x3', '1x2x3']],
])('%s', (name, parse, advice, right, wrong) => {
  test.each(right)('%s', (text, value) => {
    expect(readAnswer(name, text)).toEqual(value);
    expect(parse(text)).toEqual(value ?? 'none');
  });

  test.each(wrong)('not %j', (text) => {
    expect(readAnswer(name, text)).toBeUndefined();
    expect(() => parse(text)).toThrow(advice);
  });
});

test('people write a size in other ways, too', () => {
  expect(readAnswer('imageSize', '224')).toEqual([224, 224]);
  expect(readAnswer('preprocess.resize', 'squash:224 × 336')).toEqual({ mode: 'squash', height: 224, width: 336 });
});
