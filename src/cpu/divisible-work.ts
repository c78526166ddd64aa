/**
 * What a program is made of: pieces of work that come one after the other, each of which can be split among the members of a
 * team, and by pauses. Its parts write different numbers, so that their order does not matter, nor how many there are.
 */

/** One of the threads that compute together, from 0 on. */
export interface Place {
  member: number;
  members: number;
}

export const ALONE: Place = { member: 0, members: 1 };

/** Rows of bytes in memory, `stride` apart. */
export interface Block {
  address: number;
  stride: number;
  rows: number;
  bytes: number;
}

export interface Work {
  /** Floating-point operations, counted: what a part should be is seen from them. */
  flops: number;
  /** Parts that it can be split into at most. */
  most: number;
  /** Bytes that a part needs for itself while it runs. */
  scratch: number;
  /** @param scratch address of these */
  run(part: number, parts: number, scratch: number): void;
  /**
   * In a team without shared memory: what each member writes of it, which the others need before they go on. Absent where every member
   * does all of it, because that takes less time than to exchange results.
   */
  written?: Block[][];
  /** All wrote to the same blocks, which are the sum of that, in the order of the members. */
  isSum?: boolean;
}

/** Operations without a pause: some 4 ms of a core. */
const PIECE = 2e8;

/** How many parts a work is done in, of which each is short. @param wanted as many, if it can be split so */
export function partsOf({ flops, most }: Work, wanted = 1): number {
  return Math.min(most, Math.max(1, wanted, Math.ceil(flops / PIECE)));
}

/** Where part number `part` of `parts` begins and ends, of `count` things. */
export function sliceOf(count: number, part: number, parts: number): { from: number; to: number } {
  return { from: Math.floor((count * part) / parts), to: Math.floor((count * (part + 1)) / parts) };
}
