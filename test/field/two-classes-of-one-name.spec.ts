/** ImageNet has two classes called "crane", a bird and a machine. Who allows or denies the name means both. */
import { expect, test } from 'vitest';
import { rank } from '../../src/client/rank.ts';

const LABELS = ['crane', 'maillot', 'dog', 'crane', 'maillot'];
const SCORES = [0.1, 0.2, 0.3, 0.25, 0.15];
const ranked = (options: object) => rank(SCORES, LABELS, options).map(({ index }) => index);

test('allow', () => expect(ranked({ allow: ['crane'] })).toEqual([3, 0]));
test('deny', () => expect(ranked({ deny: ['maillot', 'dog'] })).toEqual([3, 0]));
test('an index is one class', () => expect(ranked({ allow: [0, 'maillot'] })).toEqual([1, 4, 0]));
test('a name that there is not', () => {
  for (const option of ['allow', 'deny']) {
    expect(() => ranked({ [option]: ['crane', 'Crane'] })).toThrow(`${option}: the model has no class "Crane".`);
  }
});
