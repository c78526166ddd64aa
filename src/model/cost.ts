/**
 * What a plan costs, counted and not measured: multiplications and bytes per step. It is the floor that times are held
 * against, whatever the machine.
 */
import { patchFeatures, patchGrid } from './architecture.ts';
import type { Plan, Step, ValueName } from './plan.ts';
import { tensorShapes } from './tensors.ts';

export interface Cost {
  /** Multiply-accumulates of matrix products; an activation or a norm counts nothing. */
  macs: number;
  /** Elements of weights, each read once however many images there are. */
  weights: number;
  /** Elements of values and pixels that are read or written. */
  values: number;
}

/** One per step, in order. @param batch images */
export function stepCosts(plan: Plan, batch = 1): (Cost & { label: string })[] {
  const shapes = tensorShapes(plan.architecture);
  return plan.steps.map((step) => {
    // Whatever a step's fields are called: those that name a tensor are its weights, those that name a value its values.
    const names = fieldsOf(step);
    const sizes = names.map((name) => (shapes.has(name) ? product(shapes.get(name)!) : 0));
    const values = names.filter((name): name is ValueName => name in plan.values);
    const touched = values.reduce((sum, name) => sum + batch * elementsOf(plan, name), 0);
    return {
      label: step.label,
      macs: batch * macsOf(step, plan),
      weights: sizes.reduce((a, b) => a + b, 0),
      values: touched + (step.op === 'patchify' || step.op === 'unfold' ? batch * pixelsOf(plan) : 0),
    };
  });
}

/**
 * The whole plan.
 * @returns `values` of the pixels and of `outputs` alone: what a machine with a large enough cache would move
 */
export function planCost(plan: Plan, batch = 1, outputs: ValueName[] = ['logits']): Cost {
  const steps = stepCosts(plan, batch);
  const written = outputs.reduce((sum, name) => sum + elementsOf(plan, name), 0);
  return {
    macs: steps.reduce((sum, { macs }) => sum + macs, 0),
    weights: steps.reduce((sum, { weights }) => sum + weights, 0),
    values: batch * (pixelsOf(plan) + written),
  };
}

/** Of one image. */
export function macsOf(step: Step, { architecture, values }: Plan): number {
  if (step.op === 'patchify') {
    const [rows, columns] = patchGrid(architecture);
    return rows * columns * patchFeatures(architecture) * architecture.width;
  }
  const { rows, columns } = values[step.output];
  switch (step.op) {
    // Scores and mixing: queries x keys x D each.
    case 'attention':
      return 2 * rows * columns * values[step.input].rows;
    case 'attention-scores':
      return (rows * columns * values[step.input].columns) / 3 / step.heads;
    case 'attention-values':
      return rows * columns * values[step.input].rows;
    case 'matmul':
      // SwiGLU multiplies two products of a width.
      return rows * values[step.input].columns * columns * (step.activation === 'swiglu' ? 2 : 1);
    case 'head':
      return rows * values[step.input].columns * columns;
    case 'unfold':
    case 'assemble':
    case 'lookup':
    case 'layer-norm':
    case 'head-norm':
    case 'rotate':
    case 'mean':
    case 'pick':
    case 'unit-length':
    case 'softmax':
    case 'copy':
      return 0;
  }
}

/** What is named in a step, and in what belongs to it: tensors and values. */
export function fieldsOf(step: object): string[] {
  return Object.values(step).flatMap((field) => {
    if (typeof field === 'string') return [field];
    return typeof field === 'object' && field !== null ? fieldsOf(field) : [];
  });
}

function elementsOf({ values }: Plan, name: ValueName): number {
  return values[name].rows * values[name].columns;
}

function pixelsOf({ architecture: { channels, imageSize } }: Plan): number {
  return channels * imageSize[0] * imageSize[1];
}

function product(shape: number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
