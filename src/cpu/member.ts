/**
 * One of the threads that compute a model, alone or in a team: it has a memory of its own with its part of the weights, does its part
 * of every work that is worth splitting, and all of the others.
 */
import type { InputName, Plan } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { Arena } from './arena.ts';
import { type Exchange, scratchFor } from './exchange.ts';
import { instantiate, type Kernels } from './kernels.ts';
import { PortExchange, type Ports } from './port-exchange.ts';
import { compile, type Program } from './program.ts';
import { SharedExchange, type SharedMemory } from './shared-exchange.ts';
import { Weights } from './weights.ts';
import type { Place } from './work.ts';

/** Operations without a pause: some 4 ms of a core. */
const PIECE = 2e8;

export type Links = SharedMemory | Ports;

export interface MemberOptions {
  /** One of the two modules of wasm/. */
  module: WebAssembly.Module;
  isHalf: boolean;
  place: Place;
  /** To the others, by their numbers: memory that is shared or, where there is none, ports. */
  links: Links;
  /** An ordinary run: what it needs of the weights is what this member holds. */
  plan: Plan;
}

/** A program that can run. */
export interface Ready extends Program {
  /** Address of what a piece of work needs for itself. */
  scratch: number;
}

/** Bytes as the program reads them, of the whole batch. */
export type Inputs = Partial<Record<InputName, Uint8Array<ArrayBuffer>>>;

export class Member {
  readonly arena: Arena;
  readonly weights: Weights;
  readonly #kernels: Kernels;
  readonly #place: Place;
  readonly #exchange: Exchange;
  /** Where values begin: each program lays out its own, over those of the others. */
  readonly #bottom: number;

  /** @throws ViTError `out-of-memory` */
  static async create(options: MemberOptions, arena: Arena = new Arena()): Promise<Member> {
    return new Member(options, arena, await instantiate(options.module, arena.memory));
  }

  private constructor({ isHalf, place, links, plan }: MemberOptions, arena: Arena, kernels: Kernels) {
    this.arena = arena;
    this.weights = new Weights(arena, isHalf);
    this.#kernels = kernels;
    this.#place = place;
    this.#exchange = 'to' in links ? new SharedExchange(place.member, links) : new PortExchange(place.member, links);
    // With values nowhere: this is for the weights.
    this.#compile(plan, 1, () => 0);
    this.#bottom = arena.top;
  }

  addPiece(piece: TensorPiece): void {
    this.weights.addPiece(piece);
  }

  /** @throws ViTError `out-of-memory` */
  compile(plan: Plan, batch: number): Ready {
    this.arena.resetTo(this.#bottom);
    const program = this.#compile(plan, batch, (bytes) => this.arena.reserve(bytes));
    const own = Math.max(...program.works.map((work) => work.scratch));
    return { ...program, scratch: this.arena.reserve(Math.max(own, scratchFor(program.works))) };
  }

  /** Copies, for other members. */
  inputsOf({ inputs }: Ready, plan: Plan, batch: number): Inputs {
    const names = Object.keys(inputs) as InputName[];
    return Object.fromEntries(
      names.map((name) => [name, this.arena.octets(inputs[name]!, 4 * batch * plan.inputs[name]!).slice()]),
    );
  }

  setInputs(program: Ready, inputs: Inputs): void {
    for (const [name, octets] of Object.entries(inputs) as [InputName, Uint8Array<ArrayBuffer>][]) {
      this.arena.octets(program.inputs[name]!, octets.length).set(octets);
    }
  }

  /** Of a run, for `takeTurns`. */
  *steps({ works, scratch }: Ready): Generator<unknown> {
    const isAlone = this.#place.members === 1;
    for (const { flops, most, run, written } of works) {
      const parts = Math.min(most, Math.ceil(flops / PIECE) || 1);
      for (let part = 0; part < parts; part++) {
        run(part, parts, scratch);
        yield;
      }
      if (written && !isAlone) yield* this.#exchange.trade(written, this.arena, this.#kernels, scratch);
    }
  }

  /** Ends whatever waits for another member with `error`. */
  fail(error: unknown): void {
    this.#exchange.fail(error);
  }

  #compile(plan: Plan, batch: number, reserve: (bytes: number) => number): Program {
    const machine = {
      kernels: this.#kernels,
      memory: this.arena.memory,
      weights: this.weights,
      place: this.#place,
    };
    return compile(plan, batch, machine, reserve);
  }
}
