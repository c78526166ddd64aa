/**
 * The model on the CPU, on the kernels of wasm/: weights are packed while they arrive, a plan is compiled once for each batch, and
 * from then on a run only calls kernels.
 */
import type { Backend, Input, UsePicture, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import type { CpuInfo, KernelCheck, Memory, Outputs, Tensor } from '../interface.ts';
import type { OutputName } from '../model/outputs.ts';
import type { Plan } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { Arena } from './arena.ts';
import { instantiate, type Kernels } from './kernels.ts';
import type { ModelOnCpu } from './model-on-cpu.ts';
import { compile, type Machine, type Program } from './program.ts';
import { type Given, runAlone } from './run-alone.ts';
import type { Simd } from './simd.ts';
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

interface Ready extends Program {
  plan: Plan;
  /** Address of what a piece of work needs for itself. */
  scratch: number;
}

export interface WasmOptions extends ModelOnCpu {
  /** One of the two modules of wasm/, compiled, and which. */
  module: WebAssembly.Module;
  simd: Exclude<Simd, 'none'>;
  storage: 'f32' | 'f16';
  /** Compares each kernel with the reference, by running steps alone. */
  check(runAlone: (plan: Plan, given: Given) => Promise<Float32Array>): Promise<KernelCheck[]>;
}

export class WasmBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  readonly storage: 'f32' | 'f16';
  readonly cpu: CpuInfo;
  readonly #options: WasmOptions;
  readonly #machine: Machine;
  readonly #arena: Arena;
  /** Where values begin: each program lays out its own, over those of the others. */
  readonly #bottom: number;
  readonly #programs = new Map<string, Ready>();
  readonly #limits = new Map<string, number>();
  #isDestroyed = false;

  /** @throws ViTError `out-of-memory` */
  static async create(options: WasmOptions): Promise<WasmBackend> {
    const arena = new Arena();
    return new WasmBackend(options, await instantiate(options.module, arena.memory), arena);
  }

  private constructor(options: WasmOptions, kernels: Kernels, arena: Arena) {
    const { storage, simd } = options;
    this.#options = options;
    this.cpu = { simd, threads: 1 };
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

  maxBatch(wanted: Wanted): number {
    const key = JSON.stringify(wanted);
    const known = this.#limits.get(key);
    if (known !== undefined) return known;
    const values = Object.values(this.#options.planOf(wanted).values);
    const bytes = values.reduce((sum, { rows, columns }) => sum + 4 * rows * columns, 0);
    const limit = Math.min(MOST, Math.max(1, Math.floor(VALUES / bytes)));
    this.#limits.set(key, limit);
    return limit;
  }

  async run(input: Input, wanted: Wanted): Promise<Outputs> {
    const { batch } = input;
    const program = this.#programFor(wanted, batch);
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

  check(): Promise<KernelCheck[]> {
    const { module, check } = this.#options;
    return check((plan, given) => runAlone(module, this.storage === 'f16', plan, given));
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
    compile(this.#options.planOf({ outputs: [] }), 1, this.#machine, () => 0);
  }

  #programFor(wanted: Wanted, batch: number): Ready {
    const key = `${batch} ${JSON.stringify(wanted)}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const plan = this.#options.planOf(wanted);
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

  async #usePictures(address: number, batch: number, usePicture: UsePicture): Promise<void> {
    for (let index = 0; index < batch; index++) {
      await usePicture(index, (picture) => {
        const pixels = this.#options.pixelsOf(picture);
        this.#arena.floats(address + 4 * index * pixels.length, pixels.length).set(pixels);
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
