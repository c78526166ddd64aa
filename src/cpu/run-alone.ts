/**
 * One step by itself: how a kernel is tried.
 */
import type { InputName, Plan, ValueName } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { Arena } from './arena.ts';
import { compile, spread } from './program.ts';
import { instantiate } from './wasm-kernels.ts';
import { type WeightFormats, Weights } from './weights.ts';

export interface Given {
  pieces: Iterable<TensorPiece>;
  /** Dense. */
  values: Iterable<[ValueName, ArrayLike<number>]>;
  /** Of one image; ends count the rows of their text. */
  inputs: Partial<Record<InputName, ArrayLike<number>>>;
}

/** @param arena is as it was afterwards, and what was written there means nothing @returns what the only step of `plan` writes for one image, `[rows, columns]` */
export async function runAlone(
  module: WebAssembly.Module,
  arena: Arena,
  formats: WeightFormats,
  plan: Plan,
  { pieces, values, inputs }: Given,
): Promise<Float32Array> {
  const bottom = arena.top;
  const weights = new Weights(arena, formats);
  const machine = { kernels: await instantiate(module, arena.memory), weights };
  const program = compile(plan, 1, machine, (bytes) => arena.reserve(bytes));
  const scratch = arena.reserve(Math.max(...program.works.map((work) => work.scratch)));
  for (const piece of pieces) weights.addPiece(piece);
  weights.finish();
  for (const [name, data] of values) {
    const { address, stride, columns } = program.values[name];
    const rows = spread(Float32Array.from(data), columns, stride / 4);
    arena.floats(address, rows.length).set(rows);
  }
  for (const [name, data] of Object.entries(inputs) as [InputName, ArrayLike<number>][]) {
    const address = program.inputs[name]!;
    if (name === 'pixels' || name === 'starts') arena.floats(address, data.length).set(data);
    else arena.integers(address, data.length).set(data);
  }
  for (const work of program.works) work.run(0, 1, scratch);
  const { address, stride, rows, columns } = program.values[plan.steps[0].output];
  const result = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) result.set(arena.floats(address + row * stride, columns), row * columns);
  arena.resetTo(bottom);
  return result;
}
