/**
 * What runs on a GPU: by what it can do, what it gets wrong, and what tuning found. Kernels are named as users meet them, in
 * profiles and checks.
 */
import { describe, expect, test } from 'vitest';
import { architectureOf } from '../../bench/models.ts';
import { choose, type Situation } from '../../src/engine/choose/choose.ts';
import { BASELINE, type FusedTiling, type KernelConfig, matmulKey } from '../../src/engine/choose/kernel-config.ts';
import { compile, dispatchesOf } from '../../src/engine/run/program.ts';
import { SEPARATE_ATTENTION } from '../../src/engine/run/separate-attention.ts';
import { attentionCandidates, matmulCandidates } from '../../src/engine/tune/variant-candidates.ts';
import { BASELINE_CAPABILITIES, type Capabilities, capabilitiesOf, FEATURES } from '../../src/gpu/capabilities.ts';
import { variantName } from '../../src/gpu/kernel.ts';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import { attentionVariants } from '../../src/kernels/attention.ts';
import { type MatmulTiling, matmulVariants } from '../../src/kernels/matmul.ts';
import { productVariants } from '../../src/kernels/product-tiling.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { TINY } from '../harness/tiny-model.ts';

const plan = planViT(withDefaults(TINY));
const separate = planViT(withDefaults(TINY), { separateAttention: true });
const MATRIX = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
const EVERYTHING: Capabilities = { f16: true, subgroups: true, matrices: [MATRIX], lanes: 32 };
const situation: Situation = {
  plans: [plan],
  storage: 'f16',
  capabilities: EVERYTHING,
  software: false,
  shaders: ALL_SHADERS,
  disabled: new Set(),
};

/** As a profile names them: kernel and variant of every dispatch, each once. */
function namesOf(config: KernelConfig, of = plan): string[] {
  const kernels = dispatchesOf(compile(of, { ...config, steps: SEPARATE_ATTENTION })).map(({ kernel }) => kernel);
  return [
    ...new Set(kernels.map(({ name, entry, variant }) => [name, entry, variant].filter(Boolean).join(' '))),
  ].sort();
}

const keys = [...new Set(plan.steps.filter((step) => step.op === 'matmul').map((step) => matmulKey(step, plan)))];
const [qkv, project, up, down] = keys;
/** A variant of its own for every matmul. */
const tuned = {
  matmul: {
    [qkv]: { entry: 'staged', threadRows: 4, norm: true },
    [project]: { entry: 'subgroups' },
    [up]: { entry: 'half' },
    [down]: { entry: 'matrix', matrix: { M: 16, N: 16, K: 16, lanes: 32 } },
  } as Record<string, FusedTiling>,
  attention: {},
};

describe('one chooser', () => {
  test('a GPU of which nothing is known gets the simplest kernels', () => {
    expect(namesOf(choose({ ...situation, storage: 'f32' }))).toEqual(namesOf(BASELINE));
  });

  test('then what tuning found', () => {
    const names = namesOf(choose({ ...situation, tuned }));
    for (const name of ['matmul staged norm', 'matmul subgroups f16', 'matmul half half', 'matmul matrix matrix'])
      expect(names).toContain(name);
  });

  test('on software adapters with subgroups: quads for every product, whatever tuning found', () => {
    const config = choose({ ...situation, storage: 'f32', software: true, tuned });
    const names = namesOf(config, separate);
    expect(names.filter((name) => name.startsWith('matmul'))).toEqual(['matmul subgroups subgroups']);
    expect(names.filter((name) => name.startsWith('attention'))).toEqual([
      'attention-scores subgroups subgroups',
      'attention-values subgroups subgroups',
    ]);
  });

  test('on software adapters without subgroups: the simplest', () => {
    const config = choose({ ...situation, storage: 'f32', software: true, capabilities: BASELINE_CAPABILITIES });
    expect(namesOf(config)).toEqual(namesOf(BASELINE));
    expect(config.products).toBeNull();
  });

  test.each([false, true])(
    'where the optional shaders cannot be had: the simplest, software adapter: %s',
    (software) => {
      const names = namesOf(choose({ ...situation, storage: 'f32', software, tuned, shaders: {} }));
      expect(names).toEqual(namesOf(BASELINE));
    },
  );
});

describe('what is disabled is not used, and everything else is as it was', () => {
  const before = namesOf(choose({ ...situation, tuned }));

  test.each([
    ['matmul/norm', 'matmul staged norm'],
    ['matmul/staged', 'matmul staged norm'],
    ['matmul/subgroups', 'matmul subgroups f16'],
    ['matmul/half', 'matmul half half'],
    ['matmul/matrix', 'matmul matrix matrix'],
  ])('%s', (name, gone) => {
    const after = namesOf(choose({ ...situation, tuned, disabled: new Set([name]) }));
    expect(before).toContain(gone);
    expect(after).not.toContain(gone);
    expect(before.filter((other) => !after.includes(other))).toEqual([gone]);
  });

  test.each(['matmul/f16', 'head/f16'])('%s: weights are f32, and nothing multiplies in f16', (name) => {
    const config = choose({ ...situation, tuned, disabled: new Set([name]) });
    expect(config.storage).toBe('f32');
    expect(namesOf(config).filter((name) => /f16|half|matrix/.test(name))).toEqual([]);
    expect(namesOf(config)).toContain('matmul subgroups subgroups');
  });

  test.each(['attention-scores/subgroups', 'attention-values/subgroups'])('%s: both products are given up', (name) => {
    expect(choose({ ...situation, software: true, disabled: new Set([name]) }).products).toBeNull();
  });

  test('every variant of a config can be disabled by the name that a check gives it', () => {
    const all = { ...situation, tuned: { ...tuned, attention: {} } };
    const names = (config: KernelConfig) =>
      dispatchesOf(compile(plan, config))
        .map(({ kernel: { name: kernel, variant } }) => variantName({ kernel, variant }))
        .filter((name) => name !== null && name !== 'attention/fused') as string[];
    let config = choose(all);
    const disabled = new Set<string>();
    // As a GPU that gets everything wrong: each check disables what it finds, until nothing is left.
    for (let round = 0; names(config).length > 0; round++) {
      for (const name of names(config)) disabled.add(name);
      config = choose({ ...all, disabled });
      expect(round).toBeLessThan(5);
    }
    expect(namesOf(config)).toEqual(namesOf(BASELINE));
  });
});

describe('what a wrapper offers', () => {
  const entries = (capabilities: Capabilities, storage: 'f32' | 'f16' = 'f32') => [
    ...matmulVariants({ inputs: 64, storage }, capabilities).map(({ entry }) => `matmul ${entry}`),
    ...attentionVariants({ headSize: 64 }, capabilities).map(({ entry }) => `attention ${entry}`),
    ...productVariants(capabilities).map(({ entry }) => `products ${entry}`),
  ];

  test('nothing optional where a GPU has nothing optional', () => {
    for (const needy of ['subgroups', 'half', 'matrix'])
      expect(entries(BASELINE_CAPABILITIES).filter((entry) => entry.endsWith(needy))).toEqual([]);
  });

  test('a device asks for no feature that nothing uses: each adds a variant', () => {
    const with16 = (features: string[]) => {
      const info = { subgroupMaxSize: 32, subgroupMatrixConfigs: [MATRIX] };
      const capabilities = capabilitiesOf(new Set(features), info);
      return new Set(entries(capabilities, capabilities.f16 ? 'f16' : 'f32'));
    };
    const all = Object.values(FEATURES);
    for (const feature of all) {
      const less = with16(all.filter((other) => other !== feature));
      expect(
        [...with16(all)].filter((entry) => !less.has(entry)),
        feature,
      ).not.toEqual([]);
    }
  });
});

describe('what is tried', () => {
  const plan = planViT(withDefaults(architectureOf('B', 224)));
  const step = (label: string) =>
    plan.steps.filter((step) => step.op === 'matmul').find((s) => s.label.endsWith(label))!;
  const tried = (capabilities: Capabilities, batch: number, label: string, storage: 'f32' | 'f16' = 'f32') => {
    const norm = label === 'qkv';
    return matmulCandidates(step(label), plan, { batch, norm, storage }, capabilities).map(({ entry }) => entry);
  };

  test.each([1, 8, 32])('three to five of a matmul, two or three of attention, batch %i', (batch) => {
    for (const capabilities of [BASELINE_CAPABILITIES, { ...EVERYTHING, matrices: [] }, EVERYTHING]) {
      for (const size of ['Ti', 'S', 'B', 'L'] as const) {
        const plan = planViT(withDefaults(architectureOf(size, 224)));
        for (const step of plan.steps) {
          if (step.op === 'attention') {
            const { length } = attentionCandidates(step, plan, capabilities);
            expect(length).toBeGreaterThanOrEqual(2);
            expect(length).toBeLessThanOrEqual(3);
          }
          if (step.op !== 'matmul') continue;
          for (const storage of ['f32', 'f16'] as const) {
            const { length } = matmulCandidates(step, plan, { batch, norm: true, storage }, capabilities);
            expect(length).toBeGreaterThanOrEqual(3);
            expect(length).toBeLessThanOrEqual(5);
          }
        }
      }
    }
  });

  test('narrow ones split for one image, tall tiles for many', () => {
    expect(tried(BASELINE_CAPABILITIES, 1, 'project')).toEqual(['direct', 'split', 'staged']);
    expect(tried(BASELINE_CAPABILITIES, 32, 'project')).toEqual(['direct', 'staged']);
    expect(tried(BASELINE_CAPABILITIES, 32, 'qkv')).toEqual(['direct', 'staged', 'staged']);
    const options = { batch: 32, norm: false, storage: 'f32' } as const;
    const tall = matmulCandidates(step('project'), plan, options, BASELINE_CAPABILITIES);
    expect(tall).toContainEqual({ entry: 'staged', threadRows: 8 } satisfies MatmulTiling);
  });

  test('matrices where there are any, else products of f16 where weights are, else quads', () => {
    expect(tried(EVERYTHING, 32, 'project', 'f16')).toEqual(['direct', 'staged', 'matrix']);
    expect(tried({ ...EVERYTHING, matrices: [] }, 32, 'project', 'f16')).toEqual(['direct', 'staged', 'half']);
    expect(tried(EVERYTHING, 32, 'project', 'f32')).toEqual(['direct', 'staged', 'subgroups']);
  });
});

test('norms within matmuls: five dispatches for each block instead of seven', () => {
  const ofBlock = (config: KernelConfig) =>
    dispatchesOf(compile(plan, config)).filter(({ label }) => label.startsWith('block00')).length;
  expect(ofBlock(BASELINE)).toBe(7);
  const norm: FusedTiling = { entry: 'staged', threadRows: 8, norm: true };
  const matmul = Object.fromEntries(keys.map((key) => [key, norm]));
  expect(ofBlock({ ...BASELINE, matmul, shaders: ALL_SHADERS })).toBe(5);
});
