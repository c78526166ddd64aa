/**
 * The model on the CPU, on the kernels of wasm/: weights are packed while they arrive, a plan is compiled once for each batch, and
 * from then on a run only calls kernels. This thread is the first member of a team, or alone.
 */
import type { Backend, Input, UsePicture, Wanted } from '../backend.ts';
import { ViTError } from '../error.ts';
import type { Resize } from '../image/model-pixels.ts';
import type { CpuInfo, KernelCheck, Memory, Outputs, Tensor } from '../interface.ts';
import type { OutputName } from '../model/outputs.ts';
import type { Plan } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import type { TensorBits } from '../weights/tensor-bits.ts';
import { Arena } from './arena.ts';
import { Member, type Ready } from './member.ts';
import type { ModelOnCpu } from './model-on-cpu.ts';
import { resize } from './resize-picture.ts';
import { type Given, runAlone } from './run-alone.ts';
import { sharedMemory } from './shared-memory.ts';
import type { Simd } from './simd.ts';
import { takeTurns } from './take-turns.ts';
import { Team, type TeamOptions } from './team.ts';
import { threadsFor } from './threads.ts';
import { instantiate, type Kernels } from './wasm-kernels.ts';

/** Images at a time, at most. More would gain nothing. */
const MOST = 8;

/** Bytes that the values of a run may take, unless one image takes more. */
const VALUES = 2 ** 28;

/** Programs that are kept: with their values' addresses they are a few KB. */
const PROGRAMS = 16;

/** What it was compiled from, and its number in a team. */
interface Compiled extends Ready {
  plan: Plan;
  number: number;
}

export interface WasmOptions extends ModelOnCpu {
  /** Gives one of the two modules of wasm/, compiled. */
  moduleFor(isShared: boolean): Promise<WebAssembly.Module>;
  /** Which one. */
  simd: Exclude<Simd, 'none'>;
  storage: 'f32' | 'f16';
  /** What of it stays in fewer bits. */
  fewBits: TensorBits;
  /** Members of a team at most. Default: what this machine and the model's size suggest. */
  threads?: number;
  /** The address of the annex, for the workers of a team. */
  script: string;
  warn(message: string): void;
  /** Asked between two pieces of work: the next one waits for what it gives. */
  rest?(): Promise<void> | undefined;
  /** Compares each kernel with the reference, by running steps alone. */
  check(runAlone: (plan: Plan, given: Given) => Promise<Float32Array>, fewBits: TensorBits): Promise<KernelCheck[]>;
}

const disposed = () => new ViTError('disposed', 'The model was disposed; load it again.');

/** @returns null where one thread is enough, or no other can be had; that is warned of */
async function startTeam(options: TeamOptions, warn: WasmOptions['warn']): Promise<Team | null> {
  if (options.members === 1) return null;
  try {
    return await Team.start(options);
  } catch (error) {
    if (error instanceof ViTError && error.code === 'out-of-memory') throw error;
    warn(`The model runs on one thread: ${(error as Error).message}.`);
    return null;
  }
}

export class WasmBackend implements Backend {
  readonly name = 'cpu';
  readonly adapter = null;
  readonly storage: 'f32' | 'f16';
  readonly cpu: CpuInfo;
  readonly variant: string;
  readonly #options: WasmOptions;
  readonly #team: Team | null;
  readonly #member: Member;
  readonly #programs = new Map<string, Compiled>();
  #programsMade = 0;
  readonly #limits = new Map<string, number>();
  #isDestroyed = false;

  /** @throws ViTError `out-of-memory` */
  static async create(options: WasmOptions): Promise<WasmBackend> {
    const { storage, fewBits, threads, script, warn } = options;
    const plan = options.planOf({ outputs: [] });
    const members = threadsFor(threads, plan);
    const memory = members > 1 ? sharedMemory() : null;
    // First of all: browsers have room for some hundred memories, and what is left of others they tidy up for this thread only.
    const arena = new Arena(memory ?? undefined);
    const module = await options.moduleFor(memory !== null);
    const ofMember = { module, isHalf: storage === 'f16', fewBits, plan };
    const team = await startTeam({ ...ofMember, members, memory, script }, warn);
    try {
      const place = { member: 0, members: team?.members ?? 1 };
      const member = await Member.create({ ...ofMember, place, links: team?.links[0] ?? [] }, arena);
      return new WasmBackend(options, team, member);
    } catch (error) {
      team?.end(error as Error);
      throw error;
    }
  }

  private constructor(options: WasmOptions, team: Team | null, member: Member) {
    const { storage, simd, fewBits } = options;
    this.#options = options;
    this.variant = [simd, storage, ...new Set(Object.values(fewBits))].join(' ');
    this.cpu = { simd, threads: team?.members ?? 1 };
    this.storage = storage;
    this.#team = team;
    this.#member = member;
    if (team) team.onFailure = (error) => member.fail(error);
  }

  addPiece(piece: TensorPiece): void {
    this.#member.addPiece(piece);
    this.#team?.addPiece(piece);
  }

  async ready(): Promise<void> {
    this.#member.weights.finish();
    await this.#team?.finish();
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
    const { arena } = this.#member;
    const program = await this.#programFor(wanted, batch);
    if ('ids' in input) {
      const { ids, ends } = program.inputs;
      const tokens = program.plan.inputs.ids!;
      arena.integers(ids!, input.ids.length).set(input.ids);
      arena.integers(ends!, batch).set(Array.from(input.ends, (end, text) => text * tokens + end));
    } else if ('pixels' in input) {
      arena.floats(program.inputs.pixels!, input.pixels.length).set(input.pixels);
      if (input.starts) arena.floats(program.inputs.starts!, input.starts.length).set(input.starts);
    } else await this.#usePictures(program, batch, input.usePicture);
    this.#team?.run(program.number, this.#member.inputsOf(program, program.plan, batch));
    await takeTurns(this.#steps(program));
    const outputs: Outputs = {};
    for (const name of wanted.outputs) outputs[name] = this.#read(name, program, batch);
    return outputs;
  }

  async check(): Promise<KernelCheck[]> {
    const { check, moduleFor, fewBits } = this.#options;
    const memory = this.#team?.links[0] instanceof WebAssembly.Memory ? sharedMemory() : null;
    const module = await moduleFor(memory !== null);
    const arena = new Arena(memory ?? undefined);
    const formats = { isHalf: this.storage === 'f16', fewBits };
    const checks = await check((plan, given) => runAlone(module, arena, formats, plan, given), fewBits);
    return [...checks, this.#checkResize(await instantiate(module, arena.memory), arena)];
  }

  /** A made-up picture, as TypeScript resizes it. */
  #checkResize(kernels: Kernels, arena: Arena): KernelCheck {
    const { pixelsOf } = this.#options;
    const [width, height] = [61, 47];
    const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i * i * 7) % 255);
    const picture = { data, width, height };
    const expected = pixelsOf(picture);
    const passed = pixelsOf(picture, (...given) => resize(...given, kernels, arena, arena.top)).every(
      (value, i) => value === expected[i],
    );
    return { kernel: 'resize', step: 'preprocess', passed, error: passed ? 0 : 1 };
  }

  /** Without one of its workers, whatever the error says of it. */
  async isLost(): Promise<boolean> {
    return Boolean(this.#team?.failure);
  }

  memory(): Memory {
    return { gpu: 0, cpu: this.#isDestroyed ? 0 : this.#member.arena.bytes + (this.#team?.bytes ?? 0) };
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#team?.end(disposed());
    this.#member.fail(disposed());
  }

  async #programFor(wanted: Wanted, batch: number): Promise<Compiled> {
    const key = `${batch} ${JSON.stringify(wanted)}`;
    const known = this.#programs.get(key);
    if (known) return known;
    const plan = this.#options.planOf(wanted);
    if (this.#programs.size === PROGRAMS) {
      this.#programs.clear();
      this.#team?.forget();
    }
    const number = this.#programsMade++;
    const compiled = { ...this.#member.compile(plan, batch), plan, number };
    await this.#team?.compile(number, plan, batch);
    this.#programs.set(key, compiled);
    return compiled;
  }

  *#steps(program: Ready): Generator<unknown> {
    for (const turn of this.#member.steps(program)) {
      if (this.#isDestroyed) throw disposed();
      yield turn;
      yield this.#options.rest?.();
    }
  }

  async #usePictures(program: Ready, batch: number, usePicture: UsePicture): Promise<void> {
    const resize: Resize = (source, passes) => this.#member.resize(source, passes, program);
    for (let index = 0; index < batch; index++) {
      await usePicture(index, (picture) => {
        const pixels = this.#options.pixelsOf(picture, resize);
        this.#member.arena.floats(program.inputs.pixels! + 4 * index * pixels.length, pixels.length).set(pixels);
      });
    }
  }

  /** An output as it is handed out: its values one after the other, per item. */
  #read(name: OutputName, { plan, values }: Compiled, batch: number): Tensor {
    const { values: names, shape } = plan.outputs[name]!;
    const perItem = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(batch * perItem);
    for (const [index, value] of names.entries()) {
      const { address, stride, rows, columns } = values[value];
      const part = index * (perItem / names.length);
      for (let row = 0; row < rows; row++) {
        const item = Math.floor(row / (rows / batch));
        const to = item * perItem + part + (row % (rows / batch)) * columns;
        data.set(this.#member.arena.floats(address + row * stride, columns), to);
      }
    }
    return { data, shape: [batch, ...shape] };
  }
}
