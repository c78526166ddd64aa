/**
 * From a plan to a program: which kernel runs for each step, on which buffers, and how each weight lies in its buffer.
 * Pure data still: no GPU is needed to make one, and it does not depend on the size of a batch.
 */
import { Columns } from '../../gpu/columns.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { attention, packQuery } from '../../kernels/attention.ts';
import { head } from '../../kernels/head.ts';
import { layerNorm } from '../../kernels/layer-norm.ts';
import { matmul, SwigluColumns } from '../../kernels/matmul.ts';
import { patchify, placePatchWeight } from '../../kernels/patchify.ts';
import { softmax } from '../../kernels/softmax.ts';
import { patchCount, patchFeatures } from '../../model/architecture.ts';
import { fieldsOf } from '../../model/cost.ts';
import type { InputName, LearnedQuery, Plan, Step, StepOf, ValueName } from '../../model/plan.ts';
import { tensorShapes } from '../../model/tensors.ts';
import { attentionTiling, BASELINE, type KernelConfig, matmulTiling } from '../choose/kernel-config.ts';
import {
  affineOf,
  type LargeWeight,
  matrix,
  type SmallWeight,
  startsOf,
  tableOf,
  vector,
  type Weight,
  zeros,
} from './packed-weights.ts';

export interface Program {
  actions: Action[];
  /** How the columns of each value lie in its buffer. */
  columns: Record<ValueName, Columns>;
}

/** What a run does, one after the other. */
export type Action = Dispatch | Copy;

export interface Dispatch {
  /** The step's; of several the last one's. */
  label: string;
  /** What it computes, in order: one step, or several that a kernel does at once. */
  steps: readonly Step[];
  kernel: Kernel;
  /** In the order of the kernel's bindings. */
  operands: Operand[];
  /** Rows of work, in the kernel's own measure, that one image (or text) brings. */
  rowsPerItem: number;
}

export interface Copy {
  from: ValueName;
  to: ValueName;
}

/** A buffer that steps read and write, or one that the caller fills, or a weight. */
export type Operand = { value: ValueName } | { input: InputName } | Weight;

/** A dispatch but for its label. */
export type StepWork = Omit<Dispatch, 'label' | 'steps'>;

/** How each kind of step is done on the GPU; several dispatches where one cannot do it. */
export type StepCompilers = {
  readonly [Op in Exclude<Step['op'], 'copy'>]: (step: StepOf<Op>, context: Context) => StepWork | StepWork[];
};

/** Those whose kernels are in annexes, and come with them. */
export type AnnexSteps = Omit<StepCompilers, keyof typeof STEPS>;
export type FamilySteps = Pick<AnnexSteps, (typeof FAMILY_OPS)[number]>;

/** Steps that a plain Vision Transformer does not have: those of its annex, `family-steps.ts`. */
const FAMILY_OPS = ['assemble', 'mean', 'rotate', 'unfold', 'unit-length'] as const;

export function needsFamilySteps({ steps }: Plan): boolean {
  return steps.some(({ op }) => FAMILY_OPS.some((one) => one === op));
}

/** What a plan is compiled with. */
export interface ProgramConfig extends KernelConfig {
  /** What annexes brought. Default nothing. */
  steps?: Partial<AnnexSteps>;
}

export function compile(plan: Plan, config: ProgramConfig = BASELINE): Program {
  const columns = columnsOf(plan);
  const context = { plan, columns, shapes: tensorShapes(plan.architecture), config };
  const compilers: Compilers = { ...config.steps, ...STEPS };
  const actions: Action[] = [];
  for (let i = 0; i < plan.steps.length; i++) {
    const step = plan.steps[i];
    const fused = fusedWith(step, i, plan, config);
    if (fused) {
      actions.push(normalisedMatmul(step as StepOf<'layer-norm'>, fused, context));
      i++;
    } else actions.push(...compileStep(step, compilers, context));
  }
  return { actions, columns };
}

export function columnsOf({ values }: Plan): Program['columns'] {
  return Object.fromEntries(
    Object.entries(values).map(([name, { columns, groups }]) => [name, new Columns(columns, groups)]),
  );
}

/** In order. */
export function dispatchesOf({ actions }: Program): Dispatch[] {
  return actions.filter((action) => 'kernel' in action);
}

/** What a step is compiled in. */
export interface Context {
  plan: Plan;
  columns: Program['columns'];
  shapes: Map<string, number[]>;
  config: ProgramConfig;
}

/** Those of this file, and what annexes brought. */
type Compilers = Partial<Record<Step['op'], (step: never, context: Context) => StepWork | StepWork[]>>;

/** The matmul after a norm, which nothing else reads, when both are to be one dispatch. */
function fusedWith(norm: Step, index: number, plan: Plan, config: KernelConfig): StepOf<'matmul'> | null {
  const next = plan.steps[index + 1];
  if (norm.op !== 'layer-norm' || next?.op !== 'matmul' || next.input !== norm.output) return null;
  const fits = isPlain(norm, plan) && isReadOnce(norm.output, index + 2, plan);
  return fits && matmulTiling(next, plan, config).norm ? next : null;
}

/** Whether it is the LayerNorm of every row that matmuls have within them. */
function isPlain({ norm, bias, token, others, accumulate, input }: StepOf<'layer-norm'>, { values }: Plan): boolean {
  return norm === 'layer' && bias !== null && token === null && !others && !accumulate && values[input].groups === 1;
}

/** Whether nothing reads a value from the step at `from` on, until it is written anew. */
function isReadOnce(value: ValueName, from: number, { steps, outputs }: Plan): boolean {
  for (const step of steps.slice(from)) {
    const { output, ...rest } = step;
    if (fieldsOf(rest).includes(value) || (output === value && 'accumulate' in step && step.accumulate)) return false;
    if (output === value) return true;
  }
  return Object.values(outputs).every(({ values }) => !values.includes(value));
}

/** x is what the norm would read; the weights of both are as they would be apart. */
function normalisedMatmul(norm: StepOf<'layer-norm'>, step: StepOf<'matmul'>, context: Context): Dispatch {
  const { kernel, operands, rowsPerItem } = matmulOf(step, norm, context);
  return { label: step.label, steps: [norm, step], kernel, operands, rowsPerItem };
}

function matmulOf(
  step: StepOf<'matmul'>,
  norm: StepOf<'layer-norm'> | null,
  { plan, columns, config }: Context,
): StepWork {
  const { weight, bias, gamma, activation, accumulate } = step;
  const inputs = columns[step.input];
  const outputs = activation === 'swiglu' ? new SwigluColumns(columns[step.output].count) : columns[step.output];
  const { storage, few } = config;
  const bits = few?.bitsOf(weight);
  const packing = bits && few!.fewBits(bits, inputs, outputs);
  const packed = matrix(weight, inputs, outputs, { gamma, storage, few: packing });
  const kernel = matmul(
    {
      inputs: inputs.stride,
      outputs: outputs.stride,
      bias: bias !== null,
      activation,
      accumulate,
      norm: norm && { columns: inputs.count, epsilon: norm.epsilon },
      storage,
      ...(packing && { bits }),
    },
    matmulTiling(step, plan, config),
    { ...config.shaders, ...few?.shaders },
  );
  const added = bias === null ? packed : vector(bias, outputs, { gamma });
  const operands = [
    { value: norm ? norm.input : step.input },
    packed,
    added,
    norm ? affineOf([norm], inputs) : added,
    { value: step.output },
  ];
  return { kernel, operands, rowsPerItem: plan.values[step.output].rows };
}

function compileStep(step: Step, compilers: Compilers, context: Context): Action[] {
  if (step.op === 'copy') return [{ from: step.input, to: step.output }];
  return [compilers[step.op]!(step as never, context)]
    .flat()
    .map((work) => ({ label: step.label, steps: [step], ...work }));
}

/** Those of a plain Vision Transformer. */
const STEPS = {
  patchify({ starts, weight, bias, output }: StepOf<'patchify'>, { plan, columns }: Context): StepWork {
    const { architecture, values } = plan;
    const tokens = values[output].rows;
    const outputs = columns[output];
    const sizes = { ...architecture, prefix: tokens - patchCount(architecture) };
    const features = patchFeatures(architecture);
    const patchWeight: LargeWeight = {
      key: `patches ${weight}`,
      floats: features * outputs.stride,
      tensor: weight,
      place: (packed, piece, first) => placePatchWeight(packed, piece, first, architecture.width, features),
    };
    const added: Operand = starts === 'given' ? { input: 'starts' } : startsOf(starts, bias, tokens, outputs);
    return {
      kernel: patchify(sizes),
      operands: [{ input: 'pixels' }, patchWeight, added, { value: output }],
      rowsPerItem: 1,
    };
  },

  'layer-norm'(step: StepOf<'layer-norm'>, { plan, columns, config }: Context): StepWork {
    const { norm, epsilon, token, others, accumulate, input, output } = step;
    const { rows, groups } = plan.values[input];
    const inputs = columns[input];
    const kernel = layerNorm(
      {
        ...{ columns: inputs.count, groups, norm, epsilon, accumulate },
        period: others ? { rows, second: others.first, end: rows } : undefined,
        ...(token !== null && { rowStep: rows, firstRow: token }),
      },
      config.norms,
    );
    const affine = affineOf(others ? [step, others] : [step], inputs);
    const operands = [{ value: input }, affine, { value: output }];
    return { kernel, operands, rowsPerItem: plan.values[output].rows };
  },

  'head-norm'(step: StepOf<'head-norm'>, { plan, columns, config }: Context): StepWork {
    const { heads, query, key, norm, epsilon, input, output } = step;
    const head = new Columns(columns[input].count / 3 / heads);
    const period = { rows: 3 * heads, second: heads, end: 2 * heads };
    const kernel = layerNorm({ columns: head.count, norm, epsilon, period }, config.norms);
    const operands = [{ value: input }, affineOf([query, key], head), { value: output }];
    return { kernel, operands, rowsPerItem: 3 * heads * plan.values[output].rows };
  },

  matmul: (step: StepOf<'matmul'>, context: Context): StepWork => matmulOf(step, null, context),

  attention(step: StepOf<'attention'>, { plan, columns, shapes, config }: Context): StepWork {
    const { heads, scale, causal, relative, query, output } = step;
    const input = { value: step.input };
    const outputs = columns[output];
    const sizes = {
      tokens: plan.values[step.input].rows,
      heads,
      headSize: outputs.count / heads,
      scale,
      causal,
      grid: relative?.grid,
      sharedQuery: query !== null,
      first: query?.first,
    };
    const kernel = attention(sizes, attentionTiling(step, plan, config), config.shaders);
    const table = relative ? tableOf(relative.table, shapes) : input;
    const operands = [query ? queryOf(query, outputs) : input, input, table, { value: output }];
    return { kernel, operands, rowsPerItem: plan.values[output].rows };
  },

  head(
    { weight, bias, share, accumulate, input, output }: StepOf<'head'>,
    { plan, columns, config }: Context,
  ): StepWork {
    const { storage } = config;
    const inputs = columns[input];
    const outputs = columns[output];
    const packed = matrix(weight, inputs, outputs, { share, storage });
    const added = bias === null ? zeros(outputs.stride) : vector(bias, outputs, { share });
    return {
      kernel: head({ inputs: inputs.stride, outputs: outputs.stride, accumulate, storage }),
      operands: [{ value: input }, packed, added, { value: output }],
      rowsPerItem: plan.values[output].rows,
    };
  },

  softmax: ({ input, output }: StepOf<'softmax'>, { plan, columns }: Context): StepWork => ({
    kernel: softmax({ columns: columns[input].count }),
    operands: [{ value: input }, { value: output }],
    rowsPerItem: plan.values[output].rows,
  }),
};

function queryOf({ latent, projection }: LearnedQuery, columns: Columns): SmallWeight {
  const tensors = [latent, ...(projection ? [projection.weight, projection.bias] : [])];
  return {
    key: `query ${tensors}`,
    tensors,
    floats: columns.stride,
    pack: ([vectorData, weightData, biasData]) => packQuery(vectorData, weightData, biasData, columns),
  };
}
