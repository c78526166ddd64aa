/**
 * From a plan to a program: which kernel runs for each step, on which buffers, and how each weight lies in its buffer.
 * Pure data still: no GPU is needed to make one, and it does not depend on the size of a batch.
 */
import { Columns, packVector } from '../gpu/columns.ts';
import type { Kernel } from '../gpu/kernel.ts';
import { attention } from '../kernels/attention.ts';
import { head } from '../kernels/head.ts';
import { layerNorm } from '../kernels/layer-norm.ts';
import { matmul, packWeight, placeWeight } from '../kernels/matmul.ts';
import { packPatchWeight, packStarts, patchify, placePatchWeight } from '../kernels/patchify.ts';
import { softmax } from '../kernels/softmax.ts';
import type { Plan, Step, ValueName } from '../model/plan.ts';

export interface Program {
  dispatches: Dispatch[];
  /** How the columns of each value lie in its buffer. */
  columns: Record<ValueName, Columns>;
}

export interface Dispatch {
  /** The step's. */
  label: string;
  kernel: Kernel;
  /** In the order of the kernel's bindings. */
  operands: Operand[];
  /** Rows of work, in the kernel's own measure, that one image brings. */
  rowsPerImage: number;
}

export type Operand = 'pixels' | ValueName | Weight;

/** A buffer made from one or more tensors of the model. */
export interface Weight {
  tensors: string[];
  /** Size of the buffer in floats. */
  floats: number;
  /** @param data of `tensors`, in their order */
  pack(data: ArrayLike<number>[]): Float32Array<ArrayBuffer>;
  /** Where the only tensor can be packed piece by piece: puts the one from element `first` on into zeros. */
  place?(packed: Float32Array, piece: ArrayLike<number>, first: number): void;
}

export function compile(plan: Plan): Program {
  const columns = {} as Program['columns'];
  for (const [name, value] of Object.entries(plan.values)) {
    columns[name as ValueName] = new Columns(value.columns, value.groups);
  }
  return { dispatches: plan.steps.map((step) => compileStep(step, plan, columns)), columns };
}

function compileStep(step: Step, plan: Plan, columns: Program['columns']): Dispatch {
  const { architecture, tokens, values } = plan;
  const { label } = step;
  const rowsPerImage = values[step.output].rows === 'token' ? tokens : 1;
  switch (step.op) {
    case 'patchify': {
      const { width } = architecture;
      const prefix = 1;
      const stride = columns[step.output].stride;
      const features = architecture.channels * architecture.patchSize[0] * architecture.patchSize[1];
      const weight: Weight = {
        tensors: [step.weight],
        floats: features * stride,
        pack: ([data]) => packPatchWeight(data, width),
        place: (packed, piece, first) => placePatchWeight(packed, piece, first, width, features),
      };
      const starts: Weight = {
        tensors: [step.classToken, step.position, step.bias],
        floats: tokens * stride,
        pack: ([classToken, position, bias]) => packStarts(classToken, position, bias, width),
      };
      const kernel = patchify({ ...architecture, prefix });
      return { label, kernel, operands: ['pixels', weight, starts, step.output], rowsPerImage: 1 };
    }
    case 'layer-norm': {
      const shape = columns[step.input];
      const kernel = layerNorm({
        columns: shape.count,
        epsilon: architecture.epsilon,
        rowStep: step.classTokenOnly ? tokens : 1,
      });
      const operands = [step.input, vector(step.weight, shape), vector(step.bias, shape), step.output];
      return { label, kernel, operands, rowsPerImage };
    }
    case 'matmul': {
      const inputs = columns[step.input];
      const outputs = columns[step.output];
      const kernel = matmul({
        inputs: inputs.stride,
        outputs: outputs.stride,
        bias: true,
        activation: step.activation,
        accumulate: step.accumulate,
      });
      const operands = [step.input, matrix(step.weight, inputs, outputs), vector(step.bias, outputs), step.output];
      return { label, kernel, operands, rowsPerImage };
    }
    case 'attention': {
      const { heads, width } = architecture;
      const kernel = attention({ tokens, heads, headSize: width / heads, scale: step.scale });
      return { label, kernel, operands: [step.input, step.output], rowsPerImage };
    }
    case 'head': {
      const inputs = columns[step.input];
      const outputs = columns[step.output];
      const kernel = head({ inputs: inputs.stride, outputs: outputs.stride });
      const operands = [step.input, matrix(step.weight, inputs, outputs), vector(step.bias, outputs), step.output];
      return { label, kernel, operands, rowsPerImage };
    }
    case 'softmax': {
      const kernel = softmax({ columns: columns[step.input].count });
      return { label, kernel, operands: [step.input, step.output], rowsPerImage };
    }
  }
}

function matrix(tensor: string, inputs: Columns, outputs: Columns): Weight {
  return {
    tensors: [tensor],
    floats: inputs.stride * outputs.stride,
    pack: ([data]) => packWeight(data, inputs, outputs),
    place: (packed, piece, first) => placeWeight(packed, piece, first, inputs, outputs),
  };
}

function vector(tensor: string, columns: Columns): Weight {
  return { tensors: [tensor], floats: columns.stride, pack: ([data]) => packVector(data, columns) };
}
