/**
 * What takes the place of a kernel that a GPU computes wrongly: for each the one that asks less of the GPU.
 */
import { expect, test } from 'vitest';
import { avoiding, type Choices, forProcessors, workOf } from '../../src/engine/choices.ts';
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
