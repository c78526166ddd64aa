import { expect, test } from 'vitest';
import { ClassAttention } from '../../src/engine/attend.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { TINY } from '../harness/tiny-model.ts';

/** 1 + 64 x 64 tokens: one block's weights are 201 MB. */
const LARGE: Architecture = { ...TINY, imageSize: [512, 512], depth: 4 };

test('what is too large to be read back at once is read block by block, the last one first', () => {
  expect(new ClassAttention({}, withDefaults(TINY)).partsOf([0, 1])).toEqual([[0, 1]]);
  expect(new ClassAttention({}, withDefaults(LARGE)).partsOf([0, 1, 2, 3])).toEqual([[3], [2], [1], [0]]);
  const medium = { ...LARGE, imageSize: [256, 256] as [number, number] };
  // 1025 tokens: 12.6 MB per block, so 10 of them.
  const blocks = Array.from({ length: 23 }, (_, i) => i);
  expect(new ClassAttention({}, withDefaults(medium)).partsOf(blocks).map((part) => [part[0], part.length])).toEqual([
    [13, 10],
    [3, 10],
    [0, 3],
  ]);
});

test('in parts it gives what it gives at once', () => {
  const weights = random(4 * 3 * 25, 1).map(Math.abs);
  const part = (first: number, count: number) => ({
    data: weights.slice(first * 75, (first + count) * 75),
    shape: [1, count, 3, 5, 5],
  });
  const whole = new ClassAttention({ rollout: true }, withDefaults(TINY));
  whole.add(part(0, 4));
  const pieces = new ClassAttention({ rollout: true }, withDefaults(TINY));
  pieces.add(part(3, 1));
  pieces.add(part(1, 2));
  pieces.add(part(0, 1));
  expectClose(pieces.map.data, whole.map.data, 0);
});
