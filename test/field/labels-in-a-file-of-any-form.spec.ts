import { describe, expect, test } from 'vitest';
import { parseLabels } from '../../src/convert/parse-labels.ts';

const labels = ['tench', 'goldfish', 'great white shark, white shark'];
const parse = (content: unknown) =>
  parseLabels(typeof content === 'string' ? content : JSON.stringify(content), 'file');

describe('labels are read', () => {
  test.each([
    ['a JSON array', labels],
    ['a JSON object by number', { 2: labels[2], 0: labels[0], 1: labels[1] }],
    ['a JSON object by name', { tench: 0, 'great white shark, white shark': 2, goldfish: 1 }],
    [
      'imagenet_class_index.json',
      { 0: ['n01440764', labels[0]], 1: ['n01443537', labels[1]], 2: ['n01484850', labels[2]] },
    ],
    ['a line each', labels.join('\n')],
    ['a line each, of Windows', `\uFEFF${labels.join('\r\n')}\r\n`],
    ['JSON with a byte order mark', `\uFEFF${JSON.stringify(labels)}`],
  ])('of %s', (_, content) => expect(parse(content)).toEqual(labels));
});

describe('what is none is refused with its place', () => {
  test.each([
    ['a gap', { 0: 'a', 2: 'b' }, /number its 2 labels from 0 on; there is 2/],
    ['a number twice', { a: 0, b: 0 }, /there is b/],
    ['a number for a label', ['a', 7], /class 1 has 7/],
    ['an empty line', 'a\n\nb\n', /line 2 is empty/],
    ['broken JSON', '["a", ', /file is not JSON/],
    ['names for numbers', { a: 'b' }, /there is a/],
  ])('%s', (_, content, message) => expect(() => parse(content)).toThrow(message));
});
