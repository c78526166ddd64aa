/**
 * A step on the kernels of the CPU and in float64: random weights, values and inputs, on every module that this machine can run.
 */
import { expect } from 'vitest';
import plainUrl from '../../dist/wasm/cpu-plain.wasm?url';
import relaxedUrl from '../../dist/wasm/cpu-relaxed.wasm?url';
import { dequantise, I4, I8 } from '../../src/convert/quantise.ts';
import { Arena } from '../../src/cpu/arena.ts';
import { compile } from '../../src/cpu/program.ts';
import { supportedSimd } from '../../src/cpu/simd.ts';
import { instantiate, type Kernels } from '../../src/cpu/wasm-kernels.ts';
import { Weights } from '../../src/cpu/weights.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import type { Step, ValueName } from '../../src/model/plan.ts';
import { type ReferenceInputs, runStep } from '../../src/reference/run.ts';
import { decodeHalfs, encodeHalfs } from '../../src/weights/half.ts';
import { expectClose, F32_BOUND, random } from './arrays.ts';
import { TINY } from './tiny-model.ts';

/** Node 20 knows no relaxed instructions. */
export const MODULES = supportedSimd() === 'relaxed' ? { plain: plainUrl, relaxed: relaxedUrl } : { plain: plainUrl };

export interface CpuCase {
  step: Step;
  /** Of one image: [rows, columns]. */
  values?: Record<ValueName, [rows: number, columns: number]>;
  tensors?: Record<string, Float32Array<ArrayBuffer>>;
  inputs?: ReferenceInputs;
  batch?: number;
  architecture?: Architecture;
  storage?: 'f32' | 'f16';
  /** Tensors that stay in few bits, with their rows. */
  few?: Record<string, { bits: 8 | 4; rows: number }>;
  /** Of the random values. Default 1. */
  scale?: number;
  /** Added to each of them. */
  offset?: number;
  bound?: number;
}

/** Weights come in two pieces, and the step is done once as a whole and once in five parts: all must be the same. */
export async function compareOnCpu({
  step,
  values: shapes = {},
  tensors: given = {},
  inputs = {},
  batch = 2,
  architecture = TINY,
  storage = 'f32',
  few = {},
  scale = 1,
  offset = 0,
  bound = F32_BOUND,
}: CpuCase): Promise<void> {
  const quantised = Object.fromEntries(
    Object.entries(few).map(([name, { bits, rows }]) => [name, (bits === 8 ? I8 : I4).quantise(given[name], rows)]),
  );
  const stored = (name: string, data: Float32Array<ArrayBuffer>) => {
    if (quantised[name]) return dequantise(quantised[name]);
    return storage === 'f16' ? decodeHalfs(encodeHalfs(data)) : data;
  };
  const tensors = Object.fromEntries(Object.entries(given).map(([name, data]) => [name, stored(name, data)]));
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, [rows, columns]]) => [name, { rows, columns, groups: 1 }]),
  );
  const perItem = Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, data.length / batch]));
  const outputs = { hidden: { values: [step.output], shape: shapes[step.output] } };
  const plan = { architecture: withDefaults(architecture), inputs: perItem, values, steps: [step], outputs };
  const data = Object.fromEntries(
    Object.entries(shapes).map(([name, [rows, columns]], i) => [
      name,
      random(batch * rows * columns, 11 + i, scale).map((value) => value + offset),
    ]),
  );
  const doubles = Object.fromEntries(Object.entries(data).map(([name, floats]) => [name, Float64Array.from(floats)]));
  const expected = runStep(step, { plan, tensor: (name) => tensors[name], values: doubles, inputs, batch });

  for (const url of Object.values(MODULES)) {
    const arena = new Arena();
    const kernels = await kernelsOf(url, arena);
    const fewBits = Object.fromEntries(Object.entries(few).map(([name, { bits }]) => [name, bits]));
    const weights = new Weights(arena, { isHalf: storage === 'f16', fewBits });
    const machine = { kernels, memory: arena.memory, weights };
    const program = compile(plan, batch, machine, (bytes) => arena.reserve(bytes));
    const scratch = arena.reserve(Math.max(...program.works.map((work) => work.scratch)));
    for (const [name, tensor] of Object.entries(tensors)) {
      const split = Math.floor(tensor.length / 3);
      for (const [first, end] of [
        [0, split],
        [split, tensor.length],
      ]) {
        const { scales } = quantised[name] ?? {};
        weights.addPiece({ name, length: tensor.length, first, scales, data: tensor.slice(first, end) });
      }
    }
    weights.finish();
    for (const parts of [1, 5]) {
      for (const [name, { address, stride, rows, columns }] of Object.entries(program.values)) {
        // What stands beyond the columns must not matter.
        arena.floats(address, (rows * stride) / 4).fill(Number.NaN);
        for (let row = 0; row < rows; row++) {
          const ofRow = data[name].subarray(row * columns, (row + 1) * columns);
          arena.floats(address + row * stride, columns).set(ofRow);
        }
      }
      const { pixels, ids, ends } = program.inputs;
      if (pixels !== undefined) arena.floats(pixels, inputs.pixels!.length).set(inputs.pixels!);
      if (ids !== undefined) arena.integers(ids, inputs.ids!.length).set(inputs.ids!);
      if (ends !== undefined && 'input' in step) {
        const { rows } = values[step.input];
        arena.integers(ends, batch).set(Array.from(inputs.ends!, (end, text) => text * rows + end));
      }
      for (const { most, run } of program.works) {
        const count = Math.min(parts, most);
        for (let part = count - 1; part >= 0; part--) run(part, count, scratch);
      }
      const { address, stride, rows, columns } = program.values[step.output];
      const computed = new Float32Array(rows * columns);
      for (let row = 0; row < rows; row++) computed.set(arena.floats(address + row * stride, columns), row * columns);
      expect(computed.length).toBe(expected.length);
      expectCloseOrHidden(computed, expected, bound);
    }
  }
}

/** Infinity, where a token may not look, is to be infinity. */
function expectCloseOrHidden(computed: Float32Array, expected: Float64Array, bound: number): void {
  const seen = [...expected.keys()].filter((i) => expected[i] !== -Infinity);
  expect([...computed.keys()].filter((i) => computed[i] === -Infinity)).toHaveLength(expected.length - seen.length);
  expectClose(
    seen.map((i) => computed[i]),
    seen.map((i) => expected[i]),
    bound,
  );
}

export async function kernelsOf(url: string, { memory }: Arena): Promise<Kernels> {
  const inNode = typeof document === 'undefined';
  const read = async () => (await import('node:fs/promises')).readFile(`.${url}`);
  const bytes = inNode ? await read() : await (await fetch(url)).arrayBuffer();
  return instantiate(await WebAssembly.compile(bytes), memory);
}
