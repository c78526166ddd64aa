/**
 * From a plan to a program: which kernel runs for each step, on which buffers, and how each weight lies in its buffer.
 * Pure data still: no GPU is needed to make one, and it does not depend on the size of a batch.
 */
import { Columns } from '../../gpu/columns.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { packStarts } from '../../kernels/assemble.ts';
import { attention, packBiasTable, packQuery } from '../../kernels/attention.ts';
import { head } from '../../kernels/head.ts';
import { layerNorm } from '../../kernels/layer-norm.ts';
import { matmul, SwigluColumns } from '../../kernels/matmul.ts';
import { patchify, placePatchWeight } from '../../kernels/patchify.ts';
import { softmax } from '../../kernels/softmax.ts';
import { patchCount, patchFeatures } from '../../model/architecture.ts';
import { fieldsOf } from '../../model/cost.ts';
import type { Affine, InputName, LearnedQuery, Plan, Starts, Step, StepOf, ValueName } from '../../model/plan.ts';
import { tensorShapes } from '../../model/tensors.ts';
import { attentionTiling, BASELINE, type KernelConfig, matmulTiling } from '../choose/kernel-config.ts';
import {
  type LargeWeight,
  matrix,
  pair,
  type SmallWeight,
  stretchOf,
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

/** The largest binding that every GPU allows, in floats. */
const MAX_BINDING_FLOATS = 2 ** 27 / 4;

export function compile(plan: Plan, config: KernelConfig = BASELINE): Program {
  const columns = columnsOf(plan);
  const context = { plan, columns, shapes: tensorShapes(plan.architecture), config };
  const actions: Action[] = [];
  for (let i = 0; i < plan.steps.length; i++) {
    const step = plan.steps[i];
    const fused = fusedWith(step, i, plan, config);
    actions.push(
      ...(fused ? [normalisedMatmul(step as StepOf<'layer-norm'>, fused, context)] : compileStep(step, context)),
    );
    if (fused) i++;
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

/**
 * What norms need to be within the matmul behind them, besides what `compile` gives: for tuning, which comes when the weights
 * have gone by. By the norm's label.
 */
export function weightsOfFusedNorms(plan: Plan): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const [i, step] of plan.steps.entries()) {
    if (!canBeWithin(step, i, plan)) continue;
    const { columns, groups } = plan.values[step.input];
    weights.set(step.label, pair(step.weight, step.bias!, new Columns(columns, groups)));
  }
  return weights;
}

interface Context {
  plan: Plan;
  columns: Program['columns'];
  shapes: Map<string, number[]>;
  config: KernelConfig;
}

/** The matmul after a norm, when both are to be one dispatch. */
function fusedWith(norm: Step, index: number, plan: Plan, config: KernelConfig): StepOf<'matmul'> | null {
  if (!canBeWithin(norm, index, plan)) return null;
  const next = plan.steps[index + 1] as StepOf<'matmul'>;
  return matmulTiling(next, plan, config).norm ? next : null;
}

/** Whether a step is a norm that only the matmul behind it reads. */
function canBeWithin(norm: Step, index: number, plan: Plan): norm is StepOf<'layer-norm'> {
  const next = plan.steps[index + 1];
  if (norm.op !== 'layer-norm' || next?.op !== 'matmul' || next.input !== norm.output) return false;
  return isPlain(norm, plan) && isReadOnce(norm.output, index + 2, plan);
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
): Omit<Dispatch, 'label' | 'steps'> {
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
    norm ? pair(norm.weight, norm.bias!, inputs) : added,
    { value: step.output },
  ];
  return { kernel, operands, rowsPerItem: plan.values[step.output].rows };
}

function compileStep(step: Step, context: Context): Action[] {
  if (step.op === 'copy') return [{ from: step.input, to: step.output }];
  if (step.op === 'lookup') return lookUp(step, context);
  const { kernel, operands, rowsPerItem } = kernelOf(step, context);
  return [{ label: step.label, steps: [step], kernel, operands, rowsPerItem }];
}

function kernelOf(step: Exclude<Step, { op: 'copy' | 'lookup' }>, context: Context): Omit<Dispatch, 'label' | 'steps'> {
  const { plan, columns, shapes, config } = context;
  const { architecture, values } = plan;
  const output = { value: step.output };
  const outputs = columns[step.output];
  const rowsPerItem = values[step.output].rows;
  if (step.op === 'patchify') {
    const { starts, weight } = step;
    const tokens = values[step.output].rows;
    const sizes = { ...architecture, prefix: tokens - patchCount(architecture) };
    const features = patchFeatures(architecture);
    const patchWeight: LargeWeight = {
      key: `patches ${weight}`,
      floats: features * outputs.stride,
      tensor: weight,
      place: (packed, piece, first) => placePatchWeight(packed, piece, first, architecture.width, features),
    };
    const added: Operand = starts === 'given' ? { input: 'starts' } : startsOf(starts, step.bias, tokens, outputs);
    const operands = [{ input: 'pixels' as const }, patchWeight, added, output];
    return { kernel: patchify(sizes), operands, rowsPerItem: 1 };
  }
  if (step.op === 'unfold') {
    return { kernel: config.families!.unfold(architecture), operands: [{ input: 'pixels' }, output], rowsPerItem: 1 };
  }
  const input = { value: step.input };
  const inputs = columns[step.input];
  const inputRows = values[step.input].rows;
  switch (step.op) {
    case 'assemble': {
      const tokens = rowsPerItem;
      const kernel = config.families!.assemble({ tokens, prefix: tokens - inputRows, width: outputs.count });
      return { kernel, operands: [input, startsOf(step.starts, null, tokens, outputs), output], rowsPerItem };
    }
    case 'layer-norm': {
      const { norm, epsilon, token, others, accumulate } = step;
      const rows = token === null ? {} : { rowStep: inputRows, firstRow: token };
      const period = others ? { rows: inputRows, second: others.first, end: inputRows } : undefined;
      const { groups } = values[step.input];
      const sizes = { columns: inputs.count, groups, norm, epsilon, accumulate, period, ...rows };
      const kernel = layerNorm(sizes, config.norms, config.shaders);
      return { kernel, operands: [input, ...normWeights(step, others, inputs), output], rowsPerItem };
    }
    case 'head-norm': {
      const { heads, query, key, norm, epsilon } = step;
      const head = new Columns(inputs.count / 3 / heads);
      const period = { rows: 3 * heads, second: heads, end: 2 * heads };
      const kernel = layerNorm({ columns: head.count, norm, epsilon, period }, config.norms, config.shaders);
      return {
        kernel,
        operands: [input, ...normWeights(query, key, head), output],
        rowsPerItem: 3 * heads * rowsPerItem,
      };
    }
    case 'rotate': {
      const { heads, frequencies, turning, first } = step;
      const { pairs } = turning;
      const { rotate, rotationTable } = config.families!;
      const table: SmallWeight = {
        key: `rotation ${frequencies} ${turning.block}`,
        tensors: [frequencies],
        floats: turning.heads * (inputRows - first) * pairs * 2,
        pack: ([data]) => Float32Array.from(rotationTable(data, turning)),
      };
      const sizes = { tokens: inputRows, first, heads, pairs, perHead: turning.heads > 1 };
      return { kernel: rotate(sizes), operands: [table, output], rowsPerItem };
    }
    case 'matmul':
      return matmulOf(step, null, context);
    case 'attention': {
      const { heads, scale, causal, relative, query } = step;
      const sizes = {
        tokens: inputRows,
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
      return { kernel, operands: [query ? queryOf(query, outputs) : input, input, table, output], rowsPerItem };
    }
    case 'attention-scores': {
      const { heads, scale, causal, relative } = step;
      const headSize = inputs.count / 3 / heads;
      const sizes = { tokens: inputRows, heads, headSize, scale, causal, grid: relative?.grid };
      const kernel = config.separate!.attentionScores(sizes, config.products ?? undefined, config.shaders);
      const table = relative ? tableOf(relative.table, shapes) : input;
      return { kernel, operands: [input, table, output], rowsPerItem };
    }
    case 'attention-values': {
      const { heads, weights } = step;
      const sizes = { tokens: inputRows, heads, headSize: outputs.count / heads };
      const kernel = config.separate!.attentionValues(sizes, config.products ?? undefined, config.shaders);
      return { kernel, operands: [{ value: weights }, input, output], rowsPerItem };
    }
    case 'mean': {
      const { first, count, part, largest } = step;
      const parts = values[step.output].groups;
      const kernel = config.families!.mean({
        tokens: inputRows,
        first,
        count,
        width: inputs.count,
        part,
        parts,
        largest,
      });
      return { kernel, operands: [input, output], rowsPerItem };
    }
    case 'pick': {
      const kernel = config.gather!.gather({ width: inputs.count, first: 0, count: MAX_ROWS, period: null });
      return { kernel, operands: [input, { input: 'ends' }, input, output], rowsPerItem };
    }
    case 'head': {
      const { weight, bias, share, accumulate } = step;
      const { storage } = config;
      const kernel = head({ inputs: inputs.stride, outputs: outputs.stride, accumulate, storage });
      const biasVector = bias === null ? zeros(outputs.stride) : vector(bias, outputs, { share });
      return {
        kernel,
        operands: [input, matrix(weight, inputs, outputs, { share, storage }), biasVector, output],
        rowsPerItem,
      };
    }
    case 'unit-length':
      return { kernel: config.families!.unitLength({ columns: inputs.count }), operands: [input, output], rowsPerItem };
    case 'softmax':
      return { kernel: softmax({ columns: inputs.count }), operands: [input, output], rowsPerItem };
  }
}

/** More rows than any buffer has. */
const MAX_ROWS = 2 ** 32 - 1;

/** A table of words may be larger than one binding may be: then each piece of it serves its own words. */
function lookUp(step: StepOf<'lookup'>, { plan, columns, shapes, config }: Context): Action[] {
  const { gather, placeRows } = config.gather!;
  const { table, position, output, label } = step;
  const { count: width, stride } = columns[output];
  const rowsPerItem = plan.values[output].rows;
  const [words] = shapes.get(table)!;
  const most = Math.min(words, Math.floor(MAX_BINDING_FLOATS / stride));
  const rowsOf = (tensor: string, first: number, count: number): LargeWeight => ({
    key: `rows ${tensor} ${first}`,
    floats: count * stride,
    tensor,
    place: (packed, piece, from) => placeRows(packed, piece, from, { width, first, count }),
    // Of a table in several buffers each takes its part of every piece.
    ...(first === 0 && count >= words && { stretch: stretchOf({ rows: 1, elements: width, floats: stride }) }),
  });
  const actions: Action[] = [];
  for (let first = 0; first < words; first += most) {
    const count = Math.min(most, words - first);
    actions.push({
      label,
      steps: [step],
      kernel: gather({ width, first, count, period: rowsPerItem }),
      operands: [rowsOf(table, first, count), { input: 'ids' }, rowsOf(position, 0, rowsPerItem), { value: output }],
      rowsPerItem,
    });
  }
  return actions;
}

function startsOf(starts: Starts | null, bias: string | null, tokens: number, columns: Columns): SmallWeight {
  const { prefix, position, positionPrefix } = starts ?? { prefix: [], position: null, positionPrefix: 0 };
  const tensors = [...prefix, ...(position ? [position] : []), ...(bias ? [bias] : [])];
  const pack = (data: ArrayLike<number>[]) => {
    const rest = data.slice(prefix.length);
    const parts = {
      prefix: data.slice(0, prefix.length),
      position: position ? rest.shift()! : null,
      bias: bias ? rest.shift()! : null,
    };
    return packStarts(parts, { tokens, positionPrefix, width: columns.count });
  };
  return { key: `starts ${tensors}`, tensors, floats: tokens * columns.stride, pack };
}

function tableOf(table: string, shapes: Context['shapes']): SmallWeight {
  const [biases, heads] = shapes.get(table)!;
  return {
    key: `table ${table}`,
    tensors: [table],
    floats: biases * heads,
    pack: ([data]) => packBiasTable(data, heads),
  };
}

/** Weight and bias of a norm; behind them those of the other rows, where these have their own. */
function normWeights({ weight, bias }: Affine, others: Affine | null, columns: Columns): Weight[] {
  const both = (first: string, second?: string) => (second ? pair(first, second, columns) : vector(first, columns));
  const biases = bias ? both(bias, others?.bias ?? undefined) : zeros((others ? 2 : 1) * columns.stride);
  return [both(weight, others?.weight), biases];
}

function queryOf({ latent, projection }: LearnedQuery, columns: Columns): SmallWeight {
  const tensors = [latent, ...(projection ? [projection.weight, projection.bias] : [])];
  return {
    key: `query ${tensors}`,
    tensors,
    floats: columns.stride,
    pack: ([vectorData, weightData, biasData]) => packQuery(vectorData, weightData, biasData, columns),
  };
}
