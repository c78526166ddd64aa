/**
 * Every shader compiles in every browser that has what it asks for: as it stands, and as specialised for the models of
 * test/fixtures/families. naga is Firefox's compiler; it also writes each shader in the languages of Direct3D, Metal and
 * Vulkan, as Firefox does. Where a shader enables something that naga does not know, Dawn, Chrome's, must accept it: its
 * null backend has every feature, and runs nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { NagaError, nagaVersion, parseWgsl, validate, writeHlsl, writeMsl, writeSpirv } from 'naga-wasm';
import { describe, expect, test } from 'vitest';
import { startDawn } from '../../bench/dawn.ts';
import { shrinkShader } from '../../build/shaders.ts';
import { choose } from '../../src/engine/choose/choose.ts';
import {
  attentionKey,
  BASELINE,
  type FusedTiling,
  type KernelConfig,
  matmulKey,
} from '../../src/engine/choose/kernel-config.ts';
import { FAMILY_STEPS } from '../../src/engine/run/family-steps.ts';
import { compile, dispatchesOf } from '../../src/engine/run/program.ts';
import { SEPARATE_ATTENTION } from '../../src/engine/run/separate-attention.ts';
import { TEXT_STEPS } from '../../src/engine/run/text-steps.ts';
import { attentionCandidates, matmulCandidates } from '../../src/engine/tune/variant-candidates.ts';
import type { Capabilities, MatrixConfig } from '../../src/gpu/capabilities.ts';
import { continued, specialise } from '../../src/gpu/specialise.ts';
import { ALL_SHADERS } from '../../src/kernels/all-shaders.ts';
import type { AttentionTiling } from '../../src/kernels/attention.ts';
import { FEW_BIT_SHADERS } from '../../src/kernels/few-bits.ts';
import { normalize } from '../../src/kernels/normalize.ts';
import { resize } from '../../src/kernels/resize.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { extrasFor, OUTPUT_NAMES } from '../../src/model/outputs.ts';
import { type Plan, planViT } from '../../src/model/plan.ts';
import { planText } from '../../src/model/plan-text.ts';
import { convertFamily, FAMILY_NAMES } from '../harness/checkpoints.ts';
import { OPTIONAL_FEATURES } from '../harness/gpu.ts';

const adapter = await startDawn('backend=null').requestAdapter();
const device = await adapter!.requestDevice({ requiredFeatures: OPTIONAL_FEATURES });

/** The `enable` and `requires` lines of a shader. */
function directives(code: string): string {
  const withoutComments = code.replace(/\/\/.*$/gm, '');
  return (withoutComments.match(/\b(enable|requires)\s[^;]*;/g) ?? []).join('\n');
}

/** @throws naga's report */
function compileWithNaga(code: string): void {
  try {
    const module = parseWgsl(code);
    const info = validate(module);
    writeHlsl(module, info, { shaderModel: '6_2' });
    writeMsl(module, info, { langVersion: [2, 4] });
    writeSpirv(module, info);
    info.free();
    module.free();
  } catch (error) {
    throw new Error(`naga ${nagaVersion}: ${error instanceof NagaError ? error.formatted : error}`);
  }
}

function isKnownToNaga(directives: string): boolean {
  try {
    parseWgsl(directives).free();
    return true;
  } catch {
    return false;
  }
}

/** @throws Dawn's messages, with line, column and the line itself */
async function compileWithDawn(code: string): Promise<void> {
  device.pushErrorScope('validation');
  device.createShaderModule({ code });
  const error = await device.popErrorScope();
  if (error) throw new Error(`Dawn: ${error.message}`);
}

/** Families have many shaders in common. */
const compiled = new Set<string>();

async function compileShader(code: string): Promise<void> {
  if (compiled.has(code)) return;
  await (isKnownToNaga(directives(code)) ? compileWithNaga(code) : compileWithDawn(code));
  compiled.add(code);
}

/** With what it continues, if it does. */
function wholeShader(file: string, change = (code: string) => code): string {
  const code = readFileSync(`shaders/${file}`, 'utf8');
  const before = /^\/\/ Continues (\S+\.wgsl)/.exec(code)?.[1];
  return before ? continued(change(readFileSync(`shaders/${before}`, 'utf8')), change(code)) : change(code);
}

test('every way to split a matmul, with weights of few bits', async () => {
  const ways = Object.entries(ALL_SHADERS).filter(([file]) => file.startsWith('matmul.'));
  for (const few of Object.keys(FEW_BIT_SHADERS)) {
    for (const [file, code] of ways)
      await compileShader(specialise(file, continued(wholeShader(few), code), {}, 'f16'));
  }
});

describe('as it stands', () => {
  for (const file of readdirSync('shaders').filter((name) => name.endsWith('.wgsl'))) {
    const code = wholeShader(file);
    const needs = directives(code).replace(/\n/g, ' ');
    test(needs ? `${file}: ${needs}` : file, () => compileShader(code));
    test(`${file} as it is shipped`, () => compileShader(wholeShader(file, shrinkShader)));
    if (code.includes('alias scalar ='))
      test(`${file} with scalars of f16`, () => compileShader(specialise(file, code, {}, 'f16')));
  }
});

/** Of Apple's, Intel's and NVIDIA's GPUs. */
const MATRICES = [
  { M: 8, N: 8, K: 8 },
  { M: 8, N: 16, K: 16 },
  { M: 16, N: 16, K: 16 },
];

const STEPS = { ...FAMILY_STEPS, ...SEPARATE_ATTENTION, ...TEXT_STEPS };

/**
 * Whatever any GPU may be given, a software adapter too: the first of the candidates for all steps, the second..., for few
 * images and for many, in f32 and in f16.
 */
function everyConfig(plan: Plan): KernelConfig[] {
  const configs: KernelConfig[] = [];
  for (const storage of ['f32', 'f16'] as const) {
    for (const sizes of [null, ...MATRICES]) {
      const matrix = { ...sizes!, componentType: storage, resultComponentType: 'f32' };
      const matrices: MatrixConfig[] = sizes ? [matrix] : [];
      const capabilities: Capabilities = { f16: true, subgroups: true, matrices, lanes: 32 };
      const given = { storage, capabilities, shaders: ALL_SHADERS, disabled: new Set<string>() };
      configs.push(choose({ ...given, plans: [plan], software: true }));
      for (const batch of [1, 256]) configs.push(...candidateConfigs(plan, batch, storage, capabilities));
    }
  }
  // Most GPUs are given the same.
  const { shaders } = BASELINE;
  return [...new Map(configs.map((config) => [JSON.stringify({ ...config, shaders }), config])).values()];
}

function candidateConfigs(plan: Plan, batch: number, storage: 'f32' | 'f16', capabilities: Capabilities) {
  const start = { ...BASELINE, storage, shaders: ALL_SHADERS };
  const most = 6;
  return Array.from({ length: most }, (_, i) => {
    const matmul: Record<string, FusedTiling> = {};
    const attention: Record<string, AttentionTiling> = {};
    for (const step of plan.steps) {
      if (step.op === 'matmul') {
        const tilings = matmulCandidates(step, plan, { batch, norm: true, storage }, capabilities);
        expect(tilings.length).toBeLessThanOrEqual(most);
        matmul[matmulKey(step, plan)] = tilings[i] ?? tilings[0];
      } else if (step.op === 'attention' && step.query === null) {
        const tilings = attentionCandidates(step, plan, capabilities);
        attention[attentionKey(step, plan)] = tilings[i] ?? tilings[0];
      }
    }
    return { ...start, matmul, attention };
  });
}

/** Of the second set, those with steps that the first has not. */
const OTHERS = [
  'meta-dinov3-untied-norm',
  'timm-avgmax',
  'timm-rmsnorm-qk-norm-swiglu',
  'timm-rope-mixed-resampled',
  'timm-so150m-map',
];

describe('specialised for', () => {
  for (const family of [...FAMILY_NAMES, ...OTHERS]) {
    test(family, async () => {
      const { architecture, preprocess } = (await convertFamily(family)).manifest;
      // Attention is one step in the first, and three in the second.
      const plans = [
        planViT(withDefaults(architecture)),
        planViT(withDefaults(architecture), extrasFor({ outputs: OUTPUT_NAMES }, architecture.depth)),
      ];
      if (architecture.text) plans.push(planText(withDefaults(architecture), architecture.text));
      const kernels = plans
        .flatMap((plan) =>
          everyConfig(plan).flatMap((config) => dispatchesOf(compile(plan, { ...config, steps: STEPS }))),
        )
        .map(({ kernel }) => kernel);
      kernels.push(
        resize({ vertical: false, background: preprocess.background, grey: preprocess.mean.length === 1 }),
        resize({ vertical: true }),
        normalize({ ...architecture, fill: preprocess.crop?.fill ?? [0, 0, 0] }),
      );
      const distinct = new Map(kernels.map(({ name, code }) => [code, name]));
      for (const [code, name] of distinct) {
        await compileShader(code).catch(({ message }) => {
          throw new Error(`${name}.wgsl specialised for ${family}\n${message}`);
        });
      }
    }, 60_000);
  }
});

describe('this test would notice', () => {
  const main = (body: string) => `@compute @workgroup_size(8) fn main() { ${body} }`;

  test('a type error, with its line', async () => {
    await expect(compileShader(main('let x: u32 = 1.5;'))).rejects.toThrow(/naga.*\n.*wgsl:1:4/);
  });

  test('what Dawn compiles and Firefox does not', async () => {
    const code = main('var v = vec4f(); v.xy = vec2f();');
    await compileWithDawn(code);
    await expect(compileShader(code)).rejects.toThrow('naga');
  });

  test('a type error behind features that naga does not know', async () => {
    const code = `enable subgroups;\n${main('let x: u32 = subgroupAdd(1.5);')}`;
    await expect(compileShader(code)).rejects.toThrow(/Dawn.*:2:/s);
  });

  test('features that nobody knows', async () => {
    await expect(compileShader(`enable telepathy;\n${main('')}`)).rejects.toThrow(/Dawn.*telepathy/s);
  });

  test('nothing to object to in f16, subgroups and matrices', async () => {
    const matrix = 'var x: subgroup_matrix_left<f16, 8, 8>;';
    await compileShader(`enable f16;\n${main('let x = 1.5h;')}`);
    await compileShader(`enable subgroups;\n${main('let x = subgroupAdd(1.5);')}`);
    await compileShader(`enable f16;\nenable chromium_experimental_subgroup_matrix;\n${main(matrix)}`);
  });
});
