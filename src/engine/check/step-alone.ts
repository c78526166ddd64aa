/**
 * Steps of a plan as a plan of their own, on numbers made up for them: how a kernel is tried by itself.
 */
import { fieldsOf } from '../../model/cost.ts';
import type { Plan, Step } from '../../model/plan.ts';
import { tensorShapes } from '../../model/tensors.ts';
import { GROUP } from '../../weights/manifest.ts';
import type { TensorPiece } from '../../weights/tensor-assembler.ts';
import { MadeUp, rowLength } from './made-up.ts';
import { type Given, type Sample, valuesOf } from './step-sample.ts';

/** Rows of the token table: more cost memory and prove nothing more. */
const MAX_VOCABULARY = 64;

/** Elements of a weight that are made at once, at most. */
const PIECE = 1 << 18;

/** Steps as a plan of their own, whose output is what the last of them writes. */
export function planAlone(steps: readonly Step[], { architecture, inputs, values }: Plan): Plan {
  const { text = null } = architecture;
  const vocabulary = Math.min(text?.vocabulary ?? 0, MAX_VOCABULARY);
  const { output } = steps[steps.length - 1];
  const { rows, columns } = values[output];
  return {
    architecture: { ...architecture, text: text && { ...text, vocabulary } },
    inputs,
    values: Object.fromEntries(valuesOf(steps, values).map((name) => [name, values[name]])),
    steps: [...steps],
    outputs: { hidden: { values: [output], shape: [rows, columns] } },
  };
}

/**
 * Made-up values for everything that the steps read, and for what is in memory where they write.
 * @param bitsOf of a tensor that stays in few bits
 */
export function madeUp(steps: readonly Step[], plan: Plan, bitsOf?: (tensor: string) => 8 | 4 | undefined): Given {
  const shapes = tensorShapes(plan.architecture);
  const tensors: Given['tensors'] = new Map();
  for (const name of steps.flatMap(fieldsOf)) {
    const shape = shapes.get(name);
    if (!shape || tensors.has(name)) continue;
    const bits = bitsOf?.(name);
    const numbers = MadeUp.tensor(tensors.size + 1, shape, bits === 4);
    const count = bits === 4 ? (shape[0] * rowLength(shape)) / GROUP : shape[0];
    tensors.set(name, { numbers, shape, ...(bits && { scales: new Float32Array(count).fill(numbers.unit) }) });
  }
  const values: Given['values'] = new Map();
  // Twice as large, so that attention scores differ enough.
  for (const name of Object.keys(plan.values)) values.set(name, new MadeUp(values.size + 101, 2));
  const { pixels = 0, starts, ids = 0 } = plan.inputs;
  const { vocabulary = 0 } = plan.architecture.text ?? {};
  const inputs: Given['inputs'] = {};
  for (const step of steps) {
    if (step.op === 'patchify' || step.op === 'unfold') inputs.pixels = new MadeUp(7, 1).piece(0, pixels);
    if (step.op === 'patchify' && starts) inputs.starts = new MadeUp(9, 1).piece(0, starts);
    if (step.op === 'lookup') inputs.ids = Uint32Array.from({ length: ids }, (_, i) => (i * 29) % vocabulary);
    if (step.op === 'pick') inputs.ends = Uint32Array.of(plan.values[step.input].rows - 1);
  }
  return { plan, tensors, values, inputs };
}

/** All tensors, as they would arrive. The data of a piece is good until the next one: it is made in the same memory. */
export function* piecesOf({ tensors }: Given): Iterable<TensorPiece> {
  const lengthOf = (shape: readonly number[]) => shape[0] * rowLength(shape);
  const lengths = [...tensors.values()].map(({ shape }) => lengthOf(shape));
  const memory = new Float32Array(Math.min(PIECE, Math.max(0, ...lengths)));
  for (const [name, { numbers, shape, scales }] of tensors) {
    const length = lengthOf(shape);
    for (let first = 0; first < length; first += PIECE) {
      const data = numbers.fill(memory.subarray(0, Math.min(PIECE, length - first)), first);
      yield { name, length, first, scales, data };
    }
  }
}

/** Its exponential is 0. */
const HIDDEN = -1e38;

/**
 * How far what a kernel computed is from a sample, of the sample's largest value, or of 1; NaN is the largest error.
 * @param at what was computed in a row and a column
 */
export function relativeError(at: (row: number, column: number) => number, { rows, columns, data }: Sample): number {
  let largest = 1;
  let error = 0;
  let next = 0;
  for (const row of rows) {
    for (const column of columns) {
      const expected = data[next++];
      const actual = at(row, column);
      if (Number.isNaN(actual)) return Infinity;
      // Masked: WGSL has no infinity.
      if (expected === -Infinity && actual < HIDDEN) continue;
      largest = Math.max(largest, Math.abs(expected));
      error = Math.max(error, Math.abs(actual - expected));
    }
  }
  return error / largest;
}
