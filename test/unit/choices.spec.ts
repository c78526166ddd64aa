/**
 * What is chosen where there is more than one way: on processors, while tuning, and in the place of a kernel that a GPU computes
 * wrongly, for each the one that asks less of the GPU.
 */
import { describe, expect, test } from 'vitest';
import { architectureOf } from '../../bench/models.ts';
import {
  type Abilities,
  avoiding,
  type Choices,
  candidates,
  everyNormWithin,
  forProcessors,
  isWork,
  SIMPLE,
  workOf,
} from '../../src/engine/choose/choices.ts';
import { compile, dispatchesOf } from '../../src/engine/run/program.ts';
import { planViT } from '../../src/model/plan.ts';
import { TINY } from '../harness/tiny-model.ts';

const MATMUL = 'matmul 192 to 768, gelu';
const ATTENTION = 'attention of 197 tokens, 3 heads of 64';
const chosen: Choices = {
  storage: 'f16',
  tilings: {
    [MATMUL]: { entry: 'staged', threadRows: 8, norm: true },
    'matmul 192 to 192': { entry: 'subgroups' },
    'matmul 192 to 576': { entry: 'matrix', matrix: { M: 8, N: 8, K: 8, lanes: 32 } },
    [ATTENTION]: { entry: 'subgroups' },
  },
};

const left = (...wrong: string[]) => {
  const { storage, tilings } = avoiding(chosen, new Set(wrong));
  return [storage, ...Object.keys(tilings)];
};

test('nothing is wrong: what was chosen', () => {
  expect(avoiding(chosen, new Set())).toEqual(chosen);
});

test.each([
  ['matmul/f16', ['f32', MATMUL, 'matmul 192 to 192', 'matmul 192 to 576', ATTENTION]],
  ['head/f16', ['f32', MATMUL, 'matmul 192 to 192', 'matmul 192 to 576', ATTENTION]],
  ['matmul/subgroups', ['f16', MATMUL, 'matmul 192 to 576', ATTENTION]],
  ['attention/subgroups', ['f16', MATMUL, 'matmul 192 to 192', 'matmul 192 to 576']],
  ['matmul/matrix', ['f16', MATMUL, 'matmul 192 to 192', ATTENTION]],
  ['matmul/norm', ['f16', 'matmul 192 to 192', 'matmul 192 to 576', ATTENTION]],
])('%s is wrong: the plain way instead, and everything else as it was', (wrong, kept) => {
  expect(left(wrong)).toEqual(kept);
});

const plan = planViT(TINY);
const subgroups = { subgroups: true, matrix: null };

test('on processors that imitate a GPU with subgroups: quads for every product', () => {
  const { tilings, products } = forProcessors([plan], 'f16', subgroups);
  const matmuls = plan.steps.filter((step) => step.op === 'matmul').map((step) => workOf(step, plan));
  expect(Object.keys(tilings).sort()).toEqual([...new Set(matmuls)].sort());
  expect(new Set(Object.values(tilings).map(({ entry }) => entry))).toEqual(new Set(['subgroups']));
  expect(products).toEqual({ entry: 'subgroups' });
});

test('and without subgroups the plain way', () => {
  expect(forProcessors([plan], 'f16', { subgroups: false, matrix: null })).toEqual({
    storage: 'f16',
    tilings: {},
    norms: { entry: 'main', lanes: 4 },
  });
});

test.each(['attention-scores/subgroups', 'attention-values/subgroups'])('%s is wrong: both are given up', (wrong) => {
  expect(avoiding(forProcessors([plan], 'f32', subgroups), new Set([wrong])).products).toBeUndefined();
});

test('all of it is wrong: f32, each the plain way', () => {
  const wrong = ['matmul/f16', 'matmul/subgroups', 'matmul/matrix', 'matmul/norm', 'attention/subgroups'];
  expect(left(...wrong)).toEqual(['f32']);
});

describe('what is tried', () => {
  const matrix = { M: 16, N: 16, K: 16, lanes: 32 };
  const tried = (abilities: Abilities, batch: number, name: string) => {
    const plan = planViT(architectureOf('B', 224));
    const step = plan.steps.filter(isWork).find((step) => workOf(step, plan) === name)!;
    return candidates(step, plan, batch, step.label.endsWith('qkv'), abilities).map(({ entry }) => entry);
  };

  test.each([1, 8, 32])('no more than five, batch %i', (batch) => {
    for (const abilities of [
      { subgroups: false, matrix: null },
      { subgroups: true, matrix: null },
      { subgroups: true, matrix },
    ])
      for (const size of ['Ti', 'S', 'B', 'L'] as const) {
        const plan = planViT(architectureOf(size, 224));
        for (const step of plan.steps.filter(isWork)) {
          const { length } = candidates(step, plan, batch, true, abilities);
          expect(length).toBeGreaterThanOrEqual(step.op === 'attention' ? 2 : 3);
          expect(length).toBeLessThanOrEqual(5);
        }
      }
  });

  test('narrow ones split for one image, tall tiles for many', () => {
    const none = { subgroups: false, matrix: null };
    expect(tried(none, 1, 'matmul 768 to 768, added')).toEqual(['direct', 'split', 'staged']);
    expect(tried(none, 32, 'matmul 768 to 768, added')).toEqual(['direct', 'staged']);
    expect(tried(none, 32, 'matmul 768 to 2304')).toEqual(['direct', 'staged', 'staged']);
    const tall = candidates(plan.steps.filter(isWork)[0], plan, 32 * 197, false, none);
    expect(tall).toContainEqual({ entry: 'staged', threadRows: 8 });
  });

  test('matrices where there are any, else quads', () => {
    expect(tried({ subgroups: true, matrix: null }, 32, 'matmul 768 to 768, added')).toContain('subgroups');
    const withMatrix = tried({ subgroups: true, matrix }, 32, 'matmul 768 to 768, added');
    expect(withMatrix).toContain('matrix');
    expect(withMatrix).not.toContain('subgroups');
  });
});

test('norms within matmuls: five dispatches for each block instead of seven', () => {
  const plan = planViT(TINY);
  const ofBlock = (choices: Choices) =>
    dispatchesOf(compile(plan, choices)).filter(({ label }) => label.startsWith('block00')).length;
  expect(ofBlock(SIMPLE)).toBe(7);
  expect(ofBlock({ storage: 'f32', tilings: everyNormWithin(plan) })).toBe(5);
});
