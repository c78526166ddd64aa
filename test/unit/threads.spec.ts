/**
 * How many threads a model gets on the CPU.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { architectureOf } from '../../bench/models.ts';
import { threadsFor } from '../../src/cpu/threads.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { TINY } from '../harness/tiny-model.ts';

afterEach(() => vi.unstubAllGlobals());

function onMachine(hardwareConcurrency: number | undefined) {
  vi.stubGlobal('navigator', { hardwareConcurrency });
  vi.stubGlobal('Worker', class {});
}

const tiny = planViT(withDefaults(TINY));
const ti = planViT(withDefaults(architectureOf('Ti', 224)));

test.each([
  [undefined, 1],
  [1, 1],
  [2, 2],
  [4, 2],
  [6, 3],
  [8, 4],
  [64, 4],
])('on a machine of %s cores by default %i', (cores, threads) => {
  onMachine(cores);
  expect(threadsFor(undefined, ti)).toBe(threads);
});

test('a small model gets one, unless it is asked for', () => {
  onMachine(8);
  expect(threadsFor(undefined, tiny)).toBe(1);
  expect(threadsFor(3, tiny)).toBe(3);
});

test('where there are no workers there is one, whatever is asked for', () => {
  vi.stubGlobal('Worker', undefined);
  expect(threadsFor(3, ti)).toBe(1);
});
