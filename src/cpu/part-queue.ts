/**
 * With shared memory: all members go through the same works, and of each of them a member takes the next part as soon as it is free, so
 * that whoever is slower does less. A work begins when the one before it is done.
 */
import { partsOf, type Work } from './divisible-work.ts';

/** What is counted, over all works of all runs: parts that were taken, and parts that are done. Both begin again at 2³². */
export const TAKEN = 0;
export const DONE = 32;
/** Bytes of both: each has lines of the cache of its own. */
export const COUNTS_BYTES = 256;

/** Parts of a work for each member. */
const SHARES = 4;
/** Operations of a part at least: fewer are done before another member has seen them. */
const SMALLEST = 5e4;

/**
 * Looks at what is done before a member sleeps, some 0.2 ms: to be woken takes longer than most waits. Up to the first sleep of a run ten
 * times as many: where the system has put two members on one core, it moves one only when both want it.
 */
const LOOKS = 10_000;
const LOOKS_AT_FIRST = 100_000;
/** Milliseconds without a look at what else there is to do: whether the others still live, above all. */
const LONGEST = 5;

export class PartQueue {
  readonly #counts: Int32Array;
  readonly #members: number;
  /** Before the next sleep. */
  #looks = LOOKS;
  /** Parts of all works so far. */
  #end: number;
  #failure: { error: unknown } | null = null;

  /** @param address of `COUNTS_BYTES`: both counts begin with the same number, which all members are made with */
  constructor(memory: WebAssembly.Memory, address: number, members: number) {
    this.#counts = new Int32Array(memory.buffer, address, COUNTS_BYTES / 4);
    this.#members = members;
    this.#end = this.#counts[DONE];
  }

  /** A run, for `takeTurns`. It ends when all is done, whoever did it. @param scratch address of this member's */
  *run(works: readonly Work[], scratch: number): Generator<undefined> {
    this.#looks = LOOKS_AT_FIRST;
    for (const work of works) {
      const first = this.#end;
      const balanced = this.#members * Math.min(SHARES, Math.ceil(work.flops / (this.#members * SMALLEST)));
      const parts = partsOf(work, balanced);
      this.#end = (first + parts) | 0;
      yield* this.#untilDone(first);
      for (let part = this.#take(first); part !== null; part = this.#take(first)) {
        work.run(part, parts, scratch);
        Atomics.add(this.#counts, DONE, 1);
        if (this.#isDone(this.#end)) Atomics.notify(this.#counts, DONE);
        yield* this.#turn();
      }
    }
    yield* this.#untilDone(this.#end);
  }

  /** Nobody waits any longer, now and later. */
  fail(error: unknown): void {
    this.#failure = { error };
  }

  /** @param first of the work @returns the next of its parts; null where none is left, or others are further already */
  #take(first: number): number | null {
    for (;;) {
      const taken = Atomics.load(this.#counts, TAKEN);
      if (((this.#end - taken) | 0) <= 0) return null;
      if (Atomics.compareExchange(this.#counts, TAKEN, taken, (taken + 1) | 0) === taken) return (taken - first) | 0;
    }
  }

  #isDone(count: number): boolean {
    return ((Atomics.load(this.#counts, DONE) - count) | 0) >= 0;
  }

  *#untilDone(count: number): Generator<undefined> {
    for (let looks = 0; looks < this.#looks; looks++) if (this.#isDone(count)) return;
    this.#looks = LOOKS;
    for (;;) {
      const done = Atomics.load(this.#counts, DONE);
      if (((done - count) | 0) >= 0) return;
      Atomics.wait(this.#counts, DONE, done, LONGEST);
      yield* this.#turn();
    }
  }

  *#turn(): Generator<undefined> {
    yield;
    if (this.#failure) throw this.#failure.error;
  }
}
