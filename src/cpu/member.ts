/**
 * One of the threads that compute a model, alone or in a team. In a team that shares memory, all members do parts of every work; in one
 * that does not, each has a memory of its own with its part of the weights, does its part of every work that is worth splitting, and all
 * of the others.
 */
import type { Passes } from '../image/passes.ts';
import type { PixelSource } from '../image/pixels.ts';
import type { InputName, Plan } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { Arena } from './arena.ts';
import { ALONE, type Place } from './divisible-work.ts';
import { COUNTS_BYTES, PartQueue } from './part-queue.ts';
import { PortExchange, type Ports, scratchFor } from './port-exchange.ts';
import { compile, type Program } from './program.ts';
import { resize } from './resize-picture.ts';
import { instantiate, type Kernels } from './wasm-kernels.ts';
import { type WeightFormats, Weights } from './weights.ts';

/** Of a team: memory that all members share or, where there is none, ports to the others by their numbers. */
export type Links = WebAssembly.Memory | Ports;

export interface MemberOptions extends WeightFormats {
  /** One of the two modules of wasm/, for memory that is shared if that of the team is. */
  module: WebAssembly.Module;
  place: Place;
  links: Links;
  /** An ordinary run: what it needs of the weights is what this member holds. */
  plan: Plan;
}

/** A program that can run. */
export interface Ready extends Program {
  /** Address of what this member needs for itself. */
  scratch: number;
}

/** Bytes as the program reads them, of the whole batch. */
export type Inputs = Partial<Record<InputName, Uint8Array<ArrayBuffer>>>;

export class Member {
  readonly arena: Arena;
  readonly weights: Weights;
  readonly #kernels: Kernels;
  readonly #place: Place;
  readonly #isShared: boolean;
  readonly #team: PartQueue | PortExchange;
  /** Where values begin: each program lays out its own, over those of the others. */
  readonly #bottom: number;

  /** @param arena in memory that is shared, if the team has some @throws ViTError `out-of-memory` */
  static async create(options: MemberOptions, arena = arenaFor(options.links)): Promise<Member> {
    return new Member(options, arena, await instantiate(options.module, arena.memory));
  }

  private constructor({ place, links, plan, ...formats }: MemberOptions, arena: Arena, kernels: Kernels) {
    this.arena = arena;
    this.weights = new Weights(arena, formats);
    this.#kernels = kernels;
    this.#place = place;
    this.#isShared = links instanceof WebAssembly.Memory;
    this.#team =
      links instanceof WebAssembly.Memory
        ? new PartQueue(links, arena.reserve(COUNTS_BYTES), place.members)
        : new PortExchange(arena, kernels, place.member, links);
    // With values nowhere: this is for the weights.
    this.#compile(plan, 1, () => 0);
    if (this.#isShared && place.member > 0) this.weights.leave();
    this.#bottom = arena.top;
  }

  addPiece(piece: TensorPiece): void {
    this.weights.addPiece(piece);
  }

  /** @throws ViTError `out-of-memory` */
  compile(plan: Plan, batch: number): Ready {
    this.arena.resetTo(this.#bottom);
    const program = this.#compile(plan, batch, (bytes) => this.arena.reserve(bytes));
    const ofWorks = Math.max(...program.works.map((work) => work.scratch));
    if (!this.#isShared)
      return { ...program, scratch: this.arena.reserve(Math.max(ofWorks, scratchFor(program.works))) };
    const scratches = Array.from({ length: this.#place.members }, () => this.arena.reserve(ofWorks));
    return { ...program, scratch: scratches[this.#place.member] };
  }

  /** Copies, for members that do not see them. */
  inputsOf({ inputs }: Ready, plan: Plan, batch: number): Inputs {
    const names = this.#isShared ? [] : (Object.keys(inputs) as InputName[]);
    return Object.fromEntries(
      names.map((name) => [name, this.arena.octets(inputs[name]!, 4 * batch * plan.inputs[name]!).slice()]),
    );
  }

  setInputs(program: Ready, inputs: Inputs): void {
    for (const [name, octets] of Object.entries(inputs) as [InputName, Uint8Array<ArrayBuffer>][]) {
      this.arena.octets(program.inputs[name]!, octets.length).set(octets);
    }
  }

  /** Before a run of `program`. */
  resize(source: PixelSource, passes: Passes, { free }: Ready): Uint8Array | null {
    return resize(source, passes, this.#kernels, this.arena, free);
  }

  /** Of a run, for `takeTurns`. */
  steps({ works, scratch }: Ready): Iterable<unknown> {
    return this.#team.run(works, scratch);
  }

  /** Ends whatever waits for another member with `error`. */
  fail(error: unknown): void {
    this.#team.fail(error);
  }

  #compile(plan: Plan, batch: number, reserve: (bytes: number) => number): Program {
    const machine = {
      kernels: this.#kernels,
      weights: this.weights,
      // Who shares memory may do any part of it.
      place: this.#isShared ? ALONE : this.#place,
    };
    return compile(plan, batch, machine, reserve);
  }
}

/** Of a member that another thread has asked to join. */
function arenaFor(links: Links): Arena {
  return links instanceof WebAssembly.Memory ? new Arena(links, false) : new Arena();
}
