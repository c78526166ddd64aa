/**
 * Plans and the programs made of them, without any GPU.
 */
import { describe, expect, test } from 'vitest';
import { BASELINE } from '../../src/engine/choose/kernel-config.ts';
import { FAMILY_STEPS } from '../../src/engine/run/family-steps.ts';
import { type AnnexSteps, compile, type Dispatch } from '../../src/engine/run/program.ts';
import { SEPARATE_ATTENTION } from '../../src/engine/run/separate-attention.ts';
import { TEXT_STEPS } from '../../src/engine/run/text-steps.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { planViT } from '../../src/model/plan.ts';
import { planText } from '../../src/model/plan-text.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import type { TextArchitecture } from '../../src/model/text.ts';
import { TINY } from '../harness/tiny-model.ts';

/** Of all annexes: one that nobody brings is an error of types. */
const STEPS: AnnexSteps = { ...FAMILY_STEPS, ...SEPARATE_ATTENTION, ...TEXT_STEPS };
const CONFIG = { ...BASELINE, steps: STEPS };

const TEXT: TextArchitecture = {
  vocabulary: 49408,
  tokens: 77,
  width: 768,
  depth: 1,
  heads: 12,
  mlpWidth: 3072,
  activation: 'quick_gelu',
  epsilon: 1e-5,
  causal: true,
  pooling: 'highest-id',
  padding: 0,
  logitScale: 4.6,
};

const labels = (architecture: Architecture) => planViT(withDefaults(architecture)).steps.map(({ label }) => label);

describe('a plan reads as the model', () => {
  test('a plain ViT', () => {
    expect(labels({ ...TINY, depth: 1 })).toEqual([
      'patchify',
      'block00/norm1',
      'block00/qkv',
      'block00/attention',
      'block00/project',
      'block00/norm2',
      'block00/expand',
      'block00/contract',
      'class-norm',
      'head',
      'softmax',
    ]);
  });

  test('pixels with a norm of their own', () => {
    const first = (fields: Partial<Architecture>) => labels({ ...TINY, ...fields, pixelNorm: true }).slice(0, 5);
    const start = ['unfold', 'pixel-norm', 'patchify'];
    expect(first({})).toEqual([...start, 'assemble', 'block00/norm1']);
    expect(first({ patchNorm: true })).toEqual([...start, 'patch-norm', 'assemble']);
  });

  test('norms last', () => {
    const names = labels({ ...TINY, depth: 1, normOrder: 'last' }).slice(1, 8);
    const steps = ['qkv', 'attention', 'project', 'norm1', 'expand', 'contract', 'norm2'];
    expect(names).toEqual(steps.map((step) => `block00/${step}`));
  });

  test('everything around the blocks', () => {
    const architecture: Architecture = {
      ...TINY,
      depth: 1,
      classes: 0,
      patchNorm: true,
      normBeforeBlocks: true,
      pooling: 'attention',
      representation: 4,
      projection: 3,
      normalizeEmbedding: true,
    };
    const names = labels(architecture);
    expect(names.slice(0, 4)).toEqual(['patchify', 'patch-norm', 'assemble', 'norm-pre']);
    expect(names.slice(11)).toEqual([
      'norm',
      'pool/kv',
      'pool/attention',
      'pool/project',
      'pool/norm',
      'pool/expand',
      'pool/contract',
      'representation',
      'projection',
      'unit-length',
    ]);
  });
});

describe('a plan', () => {
  const KINDS: Partial<Architecture>[] = [
    {},
    { patchNorm: true, normBeforeBlocks: true, patchBias: false, qkvBias: false },
    { pixelNorm: true, patchNorm: true, headSize: 10 },
    { pixelNorm: true, patchBias: false },
    { distillationToken: true, pooling: 'class-and-distillation' },
    {
      registerTokens: 4,
      positionEmbedding: 'all-but-registers',
      mlp: 'swiglu',
      layerScale: true,
      pooling: 'class-and-patches',
    },
    { relativePositionBias: 'shared', positionEmbedding: 'none', finalNorm: 'pooled', pooling: 'patches' },
    { relativePositionBias: 'per-block', positionEmbedding: 'none', finalNorm: 'none', pooling: 'all' },
    { classToken: false, pooling: 'attention', representation: 6 },
    { classes: 0, projection: 6, projectionBias: true, normalizeEmbedding: true },
    { classes: 0, pooling: 'none', normOrder: 'last' },
    {
      norm: 'rms',
      qkNorm: true,
      rotary: { frequencies: 'per-head', positions: 'counted' },
      attentionNorm: true,
      mlpNorm: true,
      mlp: 'swiglu',
      prefixNorm: true,
    },
    { normOrder: 'branch', rotary: { frequencies: 'shared', positions: 'centred' }, positionEmbedding: 'none' },
    { stem: [20, 16], pooling: 'patches-and-largest', finalNorm: 'pooled' },
    { pooling: 'attention', poolingHeads: 4, poolingQuery: false, poolingMlpWidth: 0, poolingPrefix: false },
    { norm: 'rms', pixelNorm: true, patchNorm: true, pooling: 'attention', poolingMlpWidth: 20, prefixNorm: true },
  ];

  for (const kind of KINDS) {
    test(`of ${JSON.stringify(kind)} uses every tensor of the architecture and no other, and reads only what is written`, () => {
      const architecture = { ...TINY, ...kind };
      const plan = planViT(withDefaults(architecture), { tokens: true, hidden: true, attention: [0, 1] });
      const program = compile(plan, CONFIG);
      const used = program.actions
        .filter((action): action is Dispatch => 'kernel' in action)
        .flatMap(({ operands }) => operands)
        .flatMap((operand) => {
          if (!('key' in operand)) return [];
          if ('tensors' in operand) return operand.tensors;
          return operand.scale ? [operand.tensor, operand.scale.tensor] : [operand.tensor];
        });
      expect([...new Set(used)].sort()).toEqual([...tensorShapes(withDefaults(architecture)).keys()].sort());

      const written = new Set<string>();
      for (const step of plan.steps) {
        if ('input' in step) expect(written).toContain(step.input);
        written.add(step.output);
        expect(plan.values).toHaveProperty([step.output]);
      }
      for (const { values } of Object.values(plan.outputs))
        for (const value of values) expect(written).toContain(value);
    });

    test(`of ${JSON.stringify(kind)}: a program for more outputs has the weights of the ordinary one`, () => {
      const keysOf = (extras: object) =>
        compile(planViT(withDefaults({ ...TINY, ...kind }), extras), CONFIG)
          .actions.filter((action): action is Dispatch => 'kernel' in action)
          .flatMap(({ operands }) => operands)
          .flatMap((operand) => ('key' in operand ? [operand.key] : []));
      const ordinary = new Set(keysOf({}));
      for (const key of keysOf({ tokens: true, hidden: true, attention: [0, 1] })) expect(ordinary).toContain(key);
    });
  }
});

describe('a program', () => {
  test('reads a table of words that is too large for one binding in pieces', () => {
    const architecture: Architecture = { ...TINY, classes: 0, projection: 768, text: TEXT };
    const { actions } = compile(planText(withDefaults(architecture), TEXT), CONFIG);
    const lookups = actions.filter((action): action is Dispatch => 'kernel' in action && action.label === 'lookup');
    const tables = lookups.map(({ operands }) => operands[0]).filter((operand) => 'key' in operand);
    expect(tables.map(({ floats }) => floats * 4 <= 2 ** 27)).toEqual([true, true]);
    expect(tables.reduce((sum, { floats }) => sum + floats, 0)).toBe(49408 * 768);
  });
});
