/**
 * Executes a plan in plain TypeScript: the oracle of the tests and, where there is no GPU, the engine.
 * Activations are float64 throughout, so what it returns is limited by the weights alone.
 */
import type { Plan, Step, ValueName } from '../model/plan.ts';
import { activate } from './activation.ts';
import { attention } from './attention.ts';
import { head } from './head.ts';
import { layerNorm } from './layer-norm.ts';
import { matmul } from './matmul.ts';
import { patchify } from './patchify.ts';
import { softmax } from './softmax.ts';

/** A weight by its canonical name. */
export type TensorLookup = (name: string) => ArrayLike<number>;

/** Every value of the plan after the last step, dense. */
export type ReferenceValues = Record<ValueName, Float64Array>;

/**
 * @param pixels `[batch, C, H, W]`, normalised
 * @param afterStep told every finished step and what it wrote: for comparing stage by stage
 */
export function runReference(
  plan: Plan,
  tensor: TensorLookup,
  pixels: ArrayLike<number>,
  batch: number,
  afterStep: (step: Step, output: Float64Array) => void = () => {},
): ReferenceValues {
  const values = {} as ReferenceValues;
  for (const step of plan.steps) {
    const result = runStep(step, plan, tensor, values, pixels, batch);
    values[step.output] = result;
    afterStep(step, result);
  }
  return values;
}

function runStep(
  step: Step,
  { architecture, values: shapes, tokens }: Plan,
  tensor: TensorLookup,
  values: ReferenceValues,
  pixels: ArrayLike<number>,
  batch: number,
): Float64Array {
  const rowsOf = (name: ValueName) => batch * (shapes[name].rows === 'token' ? tokens : 1);
  const columnsOf = (name: ValueName) => shapes[name].columns;
  switch (step.op) {
    case 'patchify': {
      const tensors = {
        weight: tensor(step.weight),
        bias: tensor(step.bias),
        classToken: tensor(step.classToken),
        position: tensor(step.position),
      };
      return patchify(pixels, tensors, { batch, ...architecture });
    }
    case 'layer-norm': {
      const columns = columnsOf(step.input);
      return layerNorm(values[step.input], tensor(step.weight), tensor(step.bias), {
        rows: rowsOf(step.output),
        columns,
        epsilon: architecture.epsilon,
        rowStride: step.classTokenOnly ? tokens * columns : columns,
      });
    }
    case 'matmul': {
      const y = matmul(values[step.input], tensor(step.weight), tensor(step.bias), {
        rows: rowsOf(step.input),
        inputs: columnsOf(step.input),
        outputs: columnsOf(step.output),
      });
      activate(y, step.activation);
      if (step.accumulate) for (let i = 0; i < y.length; i++) y[i] += values[step.output][i];
      return y;
    }
    case 'attention': {
      const { heads, width } = architecture;
      const shape = { batch, tokens, heads, headSize: width / heads, scale: step.scale };
      return attention(values[step.input], shape);
    }
    case 'head': {
      const shape = { images: batch, width: columnsOf(step.input), classes: columnsOf(step.output) };
      return head(values[step.input], tensor(step.weight), tensor(step.bias), shape);
    }
    case 'softmax': {
      const y = values[step.input].slice();
      const columns = columnsOf(step.input);
      for (let row = 0; row < batch; row++) softmax(y, row * columns, columns);
      return y;
    }
  }
}
