/**
 * The model on the CPU, on the kernels of wasm/: weights are packed while they arrive, a plan is compiled once for each batch, and
 * from then on a run only calls kernels.
 */
import type { Backend, Input, UsePicture, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import { resizeToSpec } from '../image/model-pixels.ts';
import { normalize, normalizeTable } from '../image/normalize.ts';
import { pictureSource } from '../image/read-pixels.ts';
import type { Memory, Outputs, Tensor } from '../interface.ts';
import { extrasFor, type OutputName } from '../model/outputs.ts';
import { type Plan, planViT } from '../model/plan.ts';
import { planText } from '../model/plan-text.ts';
import type { Preprocess } from '../model/preprocess.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { Arena } from './arena.ts';
import { instantiate, type Kernels } from './kernels.ts';
import { compile, type Machine, type Program } from './program.ts';
import { takeTurns } from './take-turns.ts';
import { Weights } from './weights.ts';

/** Images at a time, at most. More would gain nothing. */
const MOST = 8;

/** Bytes that the values of a run may take, unless one image takes more. */
const VALUES = 2 ** 28;

/** Operations without a pause: some 4 ms of a core. */
const PIECE = 2e8;

/** Programs that are kept: with their values' addresses they are a few KB. */
const PROGRAMS = 16;

type Items = 'images' | 'texts';

interface Ready extends Program {
  plan: Plan;
  /** Address of what a piece of work needs for itself. */
  scratch: number;
}

export interface WasmOptions {
  /** One of the two modules of wasm/. */
  module: BufferSource;
  storage: 'f32' | 'f16';
}

export class WasmBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  readonly storage: 'f32' | 'f16';
  readonly #plan: Plan;
  readonly #spec: Preprocess;
  readonly #table: Float32Array;
  readonly #machine: Machine;
  readonly #arena: Arena;
  /** Where values begin: each program lays out its own, over those of the others. */
  readonly #bottom: number;
  readonly #programs = new Map<string, Ready>();
  #isDestroyed = false;

  /** @throws ViTError `out-of-memory`, and whatever refuses WebAssembly */
  static async create(plan: Plan, spec: Preprocess, { module, storage }: WasmOptions): Promise<WasmBackend> {
    const arena = new Arena();
    return new WasmBackend(plan, spec, await instantiate(module, arena.memory), arena, storage);
  }

  private constructor(plan: Plan, spec: Preprocess, kernels: Kernels, arena: Arena, storage: 'f32' | 'f16') {
    this.#plan = plan;
    this.#spec = spec;
    this.#table = normalizeTable(spec, plan.architecture.channels);
    this.#arena = arena;
    this.storage = storage;
    this.#machine = { kernels, memory: arena.memory, weights: new Weights(arena, storage === 'f16') };
    this.#reserveWeights();
    this.#bottom = arena.top;
  }

  addPiece(piece: TensorPiece): void {
    this.#machine.weights.addPiece(piece);
  }

  async ready(): Promise<void> {
    this.#machine.weights.finish();
  }

  maxBatch(of: Items, wanted: Wanted): number {
    const values = Object.values(this.#planOf(of, wanted).values);
    const bytes = values.reduce((sum, { rows, columns }) => sum + 4 * rows * columns, 0);
    return Math.min(MOST, Math.max(1, Math.floor(VALUES / bytes)));
  }

  async run(input: Input, wanted: Wanted): Promise<Outputs> {
    const { batch } = input;
    const program = this.#programFor('ids' in input ? 'texts' : 'images', wanted, batch);
    if ('ids' in input) {
      const { ids, ends } = program.inputs;
      const tokens = program.plan.inputs.ids!;
      this.#arena.integers(ids!, input.ids.length).set(input.ids);
      this.#arena.integers(ends!, batch).set(Array.from(input.ends, (end, text) => text * tokens + end));
    } else if ('pixels' in input) {
      this.#arena.floats(program.inputs.pixels!, input.pixels.length).set(input.pixels);
    } else await this.#usePictures(program.inputs.pixels!, batch, input.usePicture);
    await takeTurns(this.#steps(program));
    const outputs: Outputs = {};
    for (const name of wanted.outputs) outputs[name] = this.#read(name, program, batch);
    return outputs;
  }

  async isLost(): Promise<boolean> {
    return false;
  }

  memory(): Memory {
    return { gpu: 0, cpu: this.#isDestroyed ? 0 : this.#arena.bytes };
  }

  destroy(): void {
    this.#isDestroyed = true;
  }

  /** By compiling what is always wanted, with values nowhere. */
  #reserveWeights(): void {
    const plans = this.#plan.architecture.text ? [this.#plan, this.#planOf('texts')] : [this.#plan];
    for (const plan of plans) compile(plan, 1, this.#machine, () => 0);
  }

  #programFor(of: Items, wanted: Wanted, batch: number): Ready {
    const key = `${of} ${batch} ${JSON.stringify(wanted)}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const plan = this.#planOf(of, wanted);
    this.#arena.resetTo(this.#bottom);
    const program = compile(plan, batch, this.#machine, (bytes) => this.#arena.reserve(bytes));
    const scratch = this.#arena.reserve(Math.max(...program.works.map((work) => work.scratch)));
    if (this.#programs.size === PROGRAMS) this.#programs.clear();
    const ready = { ...program, plan, scratch };
    this.#programs.set(key, ready);
    return ready;
  }

  *#steps({ works, scratch }: Ready): Generator<void> {
    for (const { flops, most, run } of works) {
      const parts = Math.min(most, Math.ceil(flops / PIECE) || 1);
      for (let part = 0; part < parts; part++) {
        if (this.#isDestroyed) throw new ViTError('disposed', 'The model was disposed; load it again.');
        run(part, parts, scratch);
        yield;
      }
    }
  }

  #planOf(of: Items, { outputs, blocks }: Wanted = { outputs: [] }): Plan {
    const { architecture } = this.#plan;
    if (of === 'texts') return planText(architecture, architecture.text!);
    return planViT(architecture, extrasFor(outputs, architecture.depth, blocks));
  }

  async #usePictures(address: number, batch: number, usePicture: UsePicture): Promise<void> {
    const { channels, imageSize } = this.#plan.architecture;
    const size = channels * imageSize[0] * imageSize[1];
    for (let index = 0; index < batch; index++) {
      await usePicture(index, (picture) => {
        const { data } = resizeToSpec(pictureSource(picture, this.#spec.background), this.#spec);
        this.#arena.floats(address + 4 * index * size, size).set(normalize(data, this.#table, channels));
      });
    }
  }

  /** An output as it is handed out: its values one after the other, per item. */
  #read(name: OutputName, { plan, values }: Ready, batch: number): Tensor {
    const { values: names, shape } = plan.outputs[name]!;
    const perItem = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(batch * perItem);
    for (const [index, value] of names.entries()) {
      const { address, stride, rows, columns } = values[value];
      const part = index * (perItem / names.length);
      for (let row = 0; row < rows; row++) {
        const item = Math.floor(row / (rows / batch));
        const to = item * perItem + part + (row % (rows / batch)) * columns;
        data.set(this.#arena.floats(address + row * stride, columns), to);
      }
    }
    return { data, shape: [batch, ...shape] };
  }
}
