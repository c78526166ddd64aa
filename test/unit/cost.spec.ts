/**
 * Counted costs against the published ones of the usual models, and against counting by hand.
 */
import { describe, expect, test } from 'vitest';
import { architectureOf } from '../../bench/models.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { planCost, stepCosts } from '../../src/model/cost.ts';
import { planViT } from '../../src/model/plan.ts';
import { parameterCount } from '../../src/model/tensors.ts';
import { TINY } from '../harness/tiny-model.ts';

describe('multiply-accumulates of a 224 x 224 image, as in the papers', () => {
  for (const [name, architecture, giga] of [
    ['ViT-Ti/16', architectureOf('Ti', 224), 1.25],
    ['ViT-S/16', architectureOf('S', 224), 4.6],
    ['ViT-B/16', architectureOf('B', 224), 17.56],
    ['ViT-L/16', architectureOf('L', 224), 61.55],
  ] as const) {
    // A block alone is 100 MMAC of ViT-Ti: a step left out shows in two digits.
    test(name, () => expect(planCost(planViT(withDefaults(architecture))).macs / 1e9).toBeCloseTo(giga, 1));
    test(`${name}: every parameter is read by a step`, () =>
      expect(planCost(planViT(withDefaults(architecture))).weights).toBe(parameterCount(withDefaults(architecture))));
  }
});

test('a batch multiplies work and values, and reads weights once', () => {
  const plan = planViT(withDefaults(TINY));
  const [one, eight] = [planCost(plan), planCost(plan, 8)];
  expect(eight).toEqual({ macs: 8 * one.macs, weights: one.weights, values: 8 * one.values });
  expect(one.values).toBe(3 * 16 * 16 + 5);
});

test('attention in three steps is as much work as in one', () => {
  for (const relativePositionBias of ['none', 'per-block'] as const) {
    const architecture: Architecture = { ...TINY, relativePositionBias };
    const separate = planViT(withDefaults(architecture), { separateAttention: true });
    expect(planCost(separate).macs).toBe(planCost(planViT(withDefaults(architecture))).macs);
    const costs = new Map(stepCosts(separate).map(({ label, macs }) => [label, macs]));
    expect(costs.get('block00/attention-scores')).toBe(5 * 5 * 24);
    expect(costs.get('block00/attention-softmax')).toBe(0);
    expect(costs.get('block00/attention-values')).toBe(5 * 5 * 24);
  }
});

test('steps, counted by hand', () => {
  // 5 tokens, width 24, MLP 48, 5 classes; patches of 8 x 8 x 3.
  const costs = new Map(stepCosts(planViT(withDefaults(TINY))).map(({ label, ...cost }) => [label, cost]));
  const [N, D, M] = [5, 24, 48];
  expect(costs.get('patchify')!.macs).toBe(4 * D * 192);
  expect(costs.get('block00/norm1')).toEqual({ macs: 0, weights: 2 * D, values: 2 * N * D });
  expect(costs.get('block00/qkv')).toEqual({ macs: N * D * 3 * D, weights: 3 * D * D + 3 * D, values: 4 * N * D });
  expect(costs.get('block01/attention')).toEqual({ macs: 2 * N * N * D, weights: 0, values: 4 * N * D });
  expect(costs.get('block01/expand')!.macs).toBe(N * D * M);
  expect(costs.get('head')).toEqual({ macs: D * 5, weights: 5 * D + 5, values: D + 5 });
});
