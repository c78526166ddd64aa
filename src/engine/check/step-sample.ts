/**
 * Some elements of what a step computes for one image, by the CPU reference, without computing the rest: what a kernel is
 * compared with before the first answer.
 */
import { patchFeatures, patchGrid } from '../../model/architecture.ts';
import { fieldsOf } from '../../model/cost.ts';
import type { Plan, Step, StepOf, ValueName } from '../../model/plan.ts';
import { tokenStarts } from '../../reference/assemble.ts';
import { attention } from '../../reference/attention.ts';
import { type ScoreShape, scoreRow } from '../../reference/attention-scores.ts';
import { valueRow } from '../../reference/attention-values.ts';
import { patchify } from '../../reference/patchify.ts';
import { type ReferenceInputs, runStep } from '../../reference/run.ts';
import { type MadeUp, rowLength } from './made-up.ts';

/** At most. They are the first and last ones, where tiles begin and end, and some in between. */
const ROWS = 8;
const COLUMNS = 64;

export interface Sample {
  rows: readonly number[];
  columns: readonly number[];
  /** `[rows, columns]` */
  data: Float64Array;
}

export interface Given {
  plan: Plan;
  /** By the names of the model's tensors and of the plan's values. */
  tensors: Map<string, { numbers: MadeUp; shape: readonly number[]; scales?: Float32Array<ArrayBuffer> }>;
  values: Map<ValueName, MadeUp>;
  inputs: ReferenceInputs;
}

/** The output of the last of `steps`, each of which reads what the one before it wrote. */
export function sampleSteps(steps: readonly Step[], given: Given): Sample {
  let sample: Sample | null = null;
  for (const step of steps) sample = sampleStep(step, given, sample);
  return sample!;
}

/** @param before the output of the previous step, if `step` reads it; otherwise its input is made up */
function sampleStep(step: Step, given: Given, before: Sample | null): Sample {
  switch (step.op) {
    case 'matmul':
    case 'head':
      return sampleMatmul(step, given, before);
    case 'patchify':
      return samplePatches(step, given);
    case 'attention':
      return step.query ? whole(step, given) : sampleQueries(step, given);
    case 'attention-scores':
      return sampleScores(step, given);
    case 'attention-values':
      return sampleValues(step, given);
    case 'softmax':
    case 'unit-length':
      return sampleRows(step, given, before);
    case 'layer-norm':
      return step.token === null && !step.others && !step.accumulate
        ? sampleRows(step, given, before)
        : whole(step, given);
    case 'unfold':
    case 'assemble':
    case 'lookup':
    case 'head-norm':
    case 'rotate':
    case 'mean':
    case 'pick':
    case 'copy':
      return whole(step, given);
  }
}

/** Steps whose rows do not depend on each other. */
function sampleRows(step: Step & { input: ValueName }, given: Given, before: Sample | null): Sample {
  const { plan } = given;
  const rows = spread(plan.values[step.output].rows, ROWS);
  const values = { ...plan.values };
  for (const name of valuesOf([step], plan.values)) values[name] = { ...values[name], rows: rows.length };
  const data = runStep(step, {
    plan: { ...plan, values },
    tensor: (name) => wholeTensor(given, name),
    values: { [step.input]: before?.data ?? valueRows(given, step.input, rows) },
    inputs: {},
    batch: 1,
  });
  return { rows, columns: all(plan.values[step.output].columns), data };
}

/** Some rows of a linear layer, and some outputs of each: those need only their own rows of the weight. */
function sampleMatmul(step: StepOf<'matmul'> | StepOf<'head'>, given: Given, input: Sample | null): Sample {
  const { plan } = given;
  const { rows: rowCount, columns: outputs } = plan.values[step.output];
  const rows = spread(rowCount, ROWS);
  const columns = spread(outputs, COLUMNS);
  const isGated = step.op === 'matmul' && step.activation === 'swiglu';
  const weightRows = isGated ? [...columns, ...columns.map((column) => column + outputs)] : columns;
  const before = valueRows(given, step.output, rows);
  const data = runStep(step, {
    plan: {
      ...plan,
      values: {
        [step.input]: { ...plan.values[step.input], rows: rows.length },
        // Its own input is never what a linear layer adds to.
        [step.output]: { rows: rows.length, columns: columns.length, groups: 1 },
      },
    },
    tensor(name) {
      const { numbers, shape } = given.tensors.get(name)!;
      const isScale = step.op === 'matmul' && name === step.gamma;
      return numbers.rows(isScale ? columns : weightRows, rowLength(shape));
    },
    values: {
      [step.input]: input?.data ?? valueRows(given, step.input, rows),
      [step.output]: Float64Array.from(
        rows.flatMap((_, row) => columns.map((column) => before[row * outputs + column])),
      ),
    },
    inputs: {},
    // Rows of a head are images.
    batch: step.op === 'head' ? rows.length : 1,
  });
  return { rows, columns, data };
}

/** Some queries of an attention, each with all keys. */
function sampleQueries(step: StepOf<'attention'>, given: Given): Sample {
  const { rows: tokens, columns } = given.plan.values[step.output];
  const rows = spread(tokens, ROWS);
  return {
    rows,
    columns: all(columns),
    data: attention(wholeValue(given, step.input), scoreShape(step, given), rows),
  };
}

function sampleScores(step: StepOf<'attention-scores'>, given: Given): Sample {
  const { rows: count, columns: tokens } = given.plan.values[step.output];
  const qkv = wholeValue(given, step.input);
  const shape = scoreShape(step, given);
  return someRows(count, tokens, (row, scores) => {
    scoreRow(qkv, 0, Math.floor(row / tokens), row % tokens, shape, scores);
  });
}

function sampleValues({ heads, weights, input, output }: StepOf<'attention-values'>, given: Given): Sample {
  const { rows: tokens, columns } = given.plan.values[output];
  const qkv = wholeValue(given, input);
  const headSize = columns / heads;
  return someRows(tokens, columns, (row, mixed) => {
    for (let head = 0; head < heads; head++) {
      const weightRow = valueRows(given, weights, [head * tokens + row]);
      const ofHead = mixed.subarray(head * headSize, (head + 1) * headSize);
      valueRow(weightRow, qkv, 0, head, { batch: 1, tokens, heads, headSize }, ofHead);
    }
  });
}

function someRows(count: number, columns: number, fill: (row: number, numbers: Float64Array) => void): Sample {
  const rows = spread(count, ROWS);
  const data = new Float64Array(rows.length * columns);
  for (const [i, row] of rows.entries()) fill(row, data.subarray(i * columns, (i + 1) * columns));
  return { rows, columns: all(columns), data };
}

function scoreShape(
  { heads, scale, causal, relative, input }: StepOf<'attention'> | StepOf<'attention-scores'>,
  given: Given,
): ScoreShape {
  const { rows: tokens, columns } = given.plan.values[input];
  return {
    batch: 1,
    tokens,
    heads,
    headSize: columns / 3 / heads,
    scale,
    causal,
    relative: relative && { table: wholeTensor(given, relative.table), grid: relative.grid },
  };
}

/** Some features of some patches, which are cut out and laid side by side, and of the tokens in front of them. */
function samplePatches(step: StepOf<'patchify'>, given: Given): Sample {
  const { plan, inputs } = given;
  const { channels, imageSize, patchSize, width } = plan.architecture;
  const [patchHeight, patchWidth] = patchSize;
  const [gridRows, gridColumns] = patchGrid(plan.architecture);
  const tokens = plan.values[step.output].rows;
  const prefix = tokens - gridRows * gridColumns;
  const patches = spread(gridRows * gridColumns, ROWS);
  const pixels = new Float64Array(patches.length * patchFeatures(plan.architecture));
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let y = 0; y < patchHeight; y++) {
      for (const patch of patches) {
        const top = Math.floor(patch / gridColumns) * patchHeight;
        const left = (patch % gridColumns) * patchWidth;
        const from = (channel * imageSize[0] + top + y) * imageSize[1] + left;
        for (let x = 0; x < patchWidth; x++) pixels[at++] = inputs.pixels![from + x];
      }
    }
  }
  const rows = [...all(prefix), ...patches.map((patch) => prefix + patch)];
  const columns = spread(width, COLUMNS);
  const starts = new Float64Array(rows.length * columns.length);
  if (step.starts) {
    const every = step.starts === 'given' ? inputs.starts! : everyStart(step.starts, tokens, given);
    for (const [i, row] of rows.entries()) {
      for (const [j, column] of columns.entries()) starts[i * columns.length + j] = every[row * width + column];
    }
  }
  const some = (name: string) => {
    const { numbers, shape } = given.tensors.get(name)!;
    return numbers.rows(columns, rowLength(shape));
  };
  const tensors = { weight: some(step.weight), bias: step.bias === null ? null : some(step.bias), starts };
  const size: [number, number] = [patchHeight, patches.length * patchWidth];
  const data = patchify(pixels, tensors, { batch: 1, channels, imageSize: size, patchSize, width: columns.length });
  return { rows, columns, data };
}

/** `[tokens, width]` */
function everyStart(
  { prefix, position, positionPrefix }: Exclude<StepOf<'patchify'>['starts'], 'given' | null>,
  tokens: number,
  given: Given,
): Float64Array {
  const tensor = (name: string) => wholeTensor(given, name);
  const table = position === null ? null : tensor(position);
  return tokenStarts(prefix.map(tensor), table, { tokens, width: given.plan.architecture.width, positionPrefix });
}

/** The whole output, for steps that cost little. */
function whole(step: Step, given: Given): Sample {
  const { plan } = given;
  const values = Object.fromEntries(valuesOf([step], plan.values).map((name) => [name, wholeValue(given, name)]));
  const tensor = (name: string) => wholeTensor(given, name);
  const data = runStep(step, { plan, tensor, values, inputs: given.inputs, batch: 1 });
  const { rows, columns } = plan.values[step.output];
  return { rows: all(rows), columns: all(columns), data };
}

/** The values that steps read or write. */
export function valuesOf(steps: readonly Step[], values: Plan['values']): ValueName[] {
  return [...new Set(steps.flatMap(fieldsOf).filter((name) => name in values))];
}

function wholeTensor({ tensors }: Given, name: string): Float32Array<ArrayBuffer> {
  const { numbers, shape } = tensors.get(name)!;
  return numbers.piece(0, shape[0] * rowLength(shape));
}

function wholeValue(given: Given, name: ValueName): Float64Array {
  return valueRows(given, name, all(given.plan.values[name].rows));
}

function valueRows({ plan, values }: Given, name: ValueName, rows: readonly number[]): Float64Array {
  return values.get(name)!.rows(rows, plan.values[name].columns);
}

/** At most `most` indices below `count`: a quarter from the beginning, a quarter from the end, the rest in between. */
function spread(count: number, most: number): number[] {
  if (count <= most) return all(count);
  const edge = most / 4;
  const between = Array.from({ length: most - 2 * edge }, (_, i) =>
    Math.round(edge + ((count - 2 * edge) * (i + 1)) / (most - 2 * edge + 1)),
  );
  return [...all(edge), ...between, ...all(edge).map((i) => count - edge + i)];
}

function all(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
