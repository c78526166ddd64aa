/**
 * Executes a plan in plain TypeScript: the oracle of the tests and, where there is no GPU, the engine.
 * Activations are float64 throughout, so what it returns is limited by the weights alone.
 */
import type { OutputName } from '../model/outputs.ts';
import type { Affine, InputName, Plan, Starts, Step, ValueName } from '../model/plan.ts';
import { rotationTable } from '../model/rotary.ts';
import { activate, swiglu } from './activation.ts';
import { assemble, tokenStarts } from './assemble.ts';
import { attention, attentionOfQuery } from './attention.ts';
import { attentionScores } from './attention-scores.ts';
import { attentionValues } from './attention-values.ts';
import { gather } from './gather.ts';
import { head } from './head.ts';
import { headNorm } from './head-norm.ts';
import { layerNorm } from './layer-norm.ts';
import { matmul } from './matmul.ts';
import { mean } from './mean.ts';
import { patchify } from './patchify.ts';
import { rotate } from './rotate.ts';
import { softmax } from './softmax.ts';
import { unfold } from './unfold.ts';
import { unitLength } from './unit-length.ts';

/** A weight by its canonical name. */
export type TensorLookup = (name: string) => ArrayLike<number>;

/** What a plan reads, for the whole batch: pixels `[batch, C, H, W]`, normalised; or token ids and ends of texts. */
export type ReferenceInputs = Partial<Record<InputName, ArrayLike<number>>>;

/** Every value of the plan after the last step, dense. */
export type ReferenceValues = Record<ValueName, Float64Array>;

/** @param afterStep called with every finished step and what it wrote: for comparing stage by stage */
export function runReference(
  plan: Plan,
  tensor: TensorLookup,
  inputs: ReferenceInputs,
  batch: number,
  afterStep: (step: Step, output: Float64Array) => void = () => {},
): ReferenceValues {
  const values: ReferenceValues = {};
  for (const [step, output] of referenceSteps(plan, tensor, inputs, batch, values)) afterStep(step, output);
  return values;
}

/** The same step by step, for those who have something else to do in between; `values` are filled as it goes. */
export function* referenceSteps(
  plan: Plan,
  tensor: TensorLookup,
  inputs: ReferenceInputs,
  batch: number,
  values: ReferenceValues,
): Generator<[Step, Float64Array], void> {
  for (const step of plan.steps) {
    values[step.output] = runStep(step, { plan, tensor, values, inputs, batch });
    yield [step, values[step.output]];
  }
}

/**
 * The same, with the weights of one step in memory at a time: for models that are larger than the memory.
 * @param load gives the weights of the next step
 */
export async function runReferenceStreamed(
  plan: Plan,
  load: (step: Step) => Promise<TensorLookup>,
  inputs: ReferenceInputs,
  batch: number,
): Promise<ReferenceValues> {
  const values: ReferenceValues = {};
  for (const step of plan.steps) {
    values[step.output] = runStep(step, { plan, tensor: await load(step), values, inputs, batch });
  }
  return values;
}

/** An output as it is handed out: its values one after the other, per item. */
export function readOutput(
  plan: Plan,
  name: OutputName,
  values: ReferenceValues,
  batch: number,
): { data: Float32Array<ArrayBuffer>; shape: number[] } {
  const { values: names, shape } = plan.outputs[name]!;
  const perItem = shape.reduce((a, b) => a * b, 1);
  const part = perItem / names.length;
  const data = new Float32Array(batch * perItem);
  for (const [index, value] of names.entries()) {
    for (let item = 0; item < batch; item++) {
      data.set(values[value].subarray(item * part, (item + 1) * part), item * perItem + index * part);
    }
  }
  return { data, shape: [batch, ...shape] };
}

export interface StepContext {
  plan: Plan;
  tensor: TensorLookup;
  /** What the step reads, and what it adds to. */
  values: ReferenceValues;
  inputs: ReferenceInputs;
  batch: number;
}

/** @returns what the step writes; `values` stay as they are */
export function runStep(step: Step, { plan, tensor, values, inputs, batch }: StepContext): Float64Array {
  const { architecture, values: shapes } = plan;
  const rowsOf = (name: ValueName) => batch * shapes[name].rows;
  const columnsOf = (name: ValueName) => shapes[name].columns;
  const optional = (name: string | null) => (name === null ? null : tensor(name));
  const startsOf = ({ prefix, position, positionPrefix, tokens }: Starts) =>
    tokenStarts(prefix.map(tensor), optional(position), { tokens, width: architecture.width, positionPrefix });
  const attentionShape = (heads: number, tokens: ValueName, width: ValueName) => ({
    batch,
    tokens: shapes[tokens].rows,
    heads,
    headSize: columnsOf(width) / heads,
  });
  const addTo = (before: Float64Array, y: Float64Array) => {
    for (let i = 0; i < y.length; i++) y[i] += before[i];
  };
  switch (step.op) {
    case 'patchify': {
      const { channels, imageSize, patchSize, width } = architecture;
      const rows = shapes[step.output].rows;
      const given = step.starts === 'given';
      const starts = step.starts && !given ? startsOf(step.starts as Starts) : new Float64Array(rows * width);
      if (given) starts.set(inputs.starts!);
      const tensors = { weight: tensor(step.weight), bias: optional(step.bias), starts };
      return patchify(inputs.pixels!, tensors, { batch, channels, imageSize, patchSize, width });
    }
    case 'unfold':
      return unfold(inputs.pixels!, { batch, ...architecture });
    case 'assemble':
      return assemble(values[step.input], startsOf(step.starts), batch);
    case 'lookup':
      return gather(tensor(step.table), inputs.ids!, tensor(step.position), columnsOf(step.output));
    case 'layer-norm': {
      const columns = columnsOf(step.input);
      const { token, others, norm, epsilon } = step;
      const perImage = shapes[step.input].rows * columns;
      const normed = ({ weight, bias }: Affine) =>
        layerNorm(values[step.input], tensor(weight), optional(bias), {
          rows: token === null ? rowsOf(step.input) : batch,
          columns,
          norm,
          epsilon,
          rowStride: token === null ? columns : perImage,
          first: (token ?? 0) * columns,
        });
      const y = normed(step);
      if (others) {
        const theirs = normed(others);
        for (let from = 0; from < y.length; from += perImage) {
          const rows = theirs.subarray(from + others.first * columns, from + perImage);
          y.set(rows, from + others.first * columns);
        }
      }
      if (step.accumulate) addTo(values[step.output], y);
      return y;
    }
    case 'head-norm': {
      const { query, key, heads, norm, epsilon } = step;
      const weights = [query, key].map(({ weight, bias }) => ({ weight: tensor(weight), bias: optional(bias) }));
      const headSize = columnsOf(step.input) / 3 / heads;
      return headNorm(values[step.input], weights, { heads, headSize, norm, epsilon });
    }
    case 'rotate': {
      const { turning, heads, first } = step;
      const table = rotationTable(tensor(step.frequencies), turning);
      return rotate(values[step.input], table, { tokens: shapes[step.input].rows, heads, pairs: turning.pairs, first });
    }
    case 'matmul': {
      const outputs = columnsOf(step.output);
      const gated = step.activation === 'swiglu';
      let y = matmul(values[step.input], tensor(step.weight), optional(step.bias), {
        rows: rowsOf(step.input),
        inputs: columnsOf(step.input),
        outputs: gated ? 2 * outputs : outputs,
      });
      if (step.activation === 'swiglu') y = swiglu(y, outputs);
      else activate(y, step.activation);
      const gamma = optional(step.gamma);
      if (gamma) for (let i = 0; i < y.length; i++) y[i] *= gamma[i % outputs];
      if (step.accumulate) addTo(values[step.output], y);
      return y;
    }
    case 'attention': {
      const { scale, causal, query } = step;
      const relative = step.relative && { table: tensor(step.relative.table), grid: step.relative.grid };
      const shape = { ...attentionShape(step.heads, step.input, step.output), scale, causal, relative };
      if (!query) return attention(values[step.input], shape);
      const width = columnsOf(step.output);
      const size = { rows: 1, inputs: width, outputs: width };
      const latent = Float64Array.from(tensor(query.latent));
      const { projection, first } = query;
      const q = projection ? matmul(latent, tensor(projection.weight), tensor(projection.bias), size) : latent;
      return attentionOfQuery(q, values[step.input], { ...shape, first });
    }
    case 'attention-scores': {
      const { scale, causal } = step;
      const relative = step.relative && { table: tensor(step.relative.table), grid: step.relative.grid };
      const tokens = shapes[step.input].rows;
      const headSize = columnsOf(step.input) / 3 / step.heads;
      return attentionScores(values[step.input], {
        batch,
        tokens,
        heads: step.heads,
        headSize,
        scale,
        causal,
        relative,
      });
    }
    case 'attention-values':
      return attentionValues(
        values[step.weights],
        values[step.input],
        attentionShape(step.heads, step.input, step.output),
      );
    case 'mean': {
      const { first, count, part, largest } = step;
      const width = columnsOf(step.input);
      const result = mean(values[step.input], { batch, width, first, count, largest });
      const columns = columnsOf(step.output);
      const y = values[step.output] ?? new Float64Array(batch * columns);
      for (let image = 0; image < batch; image++) {
        y.set(result.subarray(image * width, (image + 1) * width), image * columns + part * width);
      }
      return y;
    }
    case 'pick': {
      const ends = inputs.ends!;
      const tokens = shapes[step.input].rows;
      const rows = Array.from({ length: batch }, (_, text) => text * tokens + ends[text]);
      return gather(values[step.input], rows, null, columnsOf(step.input));
    }
    case 'head': {
      const shape = { images: batch, width: columnsOf(step.input), classes: columnsOf(step.output) };
      const y = head(values[step.input], tensor(step.weight), optional(step.bias), shape);
      for (let i = 0; i < y.length; i++) y[i] *= step.share;
      if (step.accumulate) addTo(values[step.output], y);
      return y;
    }
    case 'unit-length':
      return unitLength(values[step.input], columnsOf(step.input));
    case 'softmax': {
      const y = values[step.input].slice();
      const columns = columnsOf(step.input);
      for (let row = 0; row < y.length; row += columns) softmax(y, row, columns);
      return y;
    }
    case 'copy':
      return values[step.input].slice();
  }
}
