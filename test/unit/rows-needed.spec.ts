import { describe, expect, test } from 'vitest';
import { rowsNeeded } from '../../src/cpu/rows-needed.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import type { Extras } from '../../src/model/outputs.ts';
import { planViT } from '../../src/model/plan.ts';
import { TINY } from '../harness/tiny-model.ts';

/** Of two blocks: the steps that compute one row of each image where their values have more. */
function stepsOfOneRow(fields: Partial<Architecture> = {}, extras: Extras = {}): string[] {
  const plan = planViT(withDefaults({ ...TINY, depth: 2, ...fields }), extras);
  const rows = rowsNeeded(plan);
  const ofOne = plan.steps.filter(({ output }, i) => rows[i][1] === 0 && plan.values[output].rows > 1);
  return ofOne.map(({ label }) => label);
}

const ofLastBlock = (...names: string[]) => names.map((name) => `block01/${name}`);

describe('where a class token alone is pooled, the last block computes no other behind Q, K and V', () => {
  test('with norms first, as branches, and last', () => {
    const first = ofLastBlock('attention', 'project', 'norm2', 'expand', 'contract');
    expect(stepsOfOneRow()).toEqual(first);
    const last = ofLastBlock('attention', 'project', 'norm1', 'expand', 'contract', 'norm2');
    expect(stepsOfOneRow({ normOrder: 'branch' })).toEqual(last);
    expect(stepsOfOneRow({ normOrder: 'last' })).toEqual(last);
  });

  test('it reads that token alone, but attention all', () => {
    const plan = planViT(withDefaults({ ...TINY, depth: 1 }));
    const rows = rowsNeeded(plan);
    const read = plan.steps.flatMap(({ label }, i) => (rows[i][0] === 0 ? [label.replace('block00/', '')] : []));
    expect(read).toEqual(['project', 'norm2', 'expand', 'contract', 'class-norm']);
  });

  test('up to attention weights that were asked for', () => {
    expect(stepsOfOneRow({}, { attention: [1] })).toEqual(ofLastBlock('project', 'norm2', 'expand', 'contract'));
  });
});

describe('all rows are computed where they are read', () => {
  test('by an output', () => {
    expect(stepsOfOneRow({}, { tokens: true })).toEqual([]);
    expect(stepsOfOneRow({}, { hidden: true })).toEqual([]);
  });

  test('by pooling', () => {
    for (const pooling of ['patches', 'all', 'attention', 'class-and-patches', 'none'] as const) {
      expect(stepsOfOneRow({ pooling, classes: 0 }), pooling).toEqual([]);
    }
    expect(stepsOfOneRow({ pooling: 'class-and-distillation', distillationToken: true })).toEqual([]);
  });
});
