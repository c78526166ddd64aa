/**
 * What the members of a team say to each other while they compute. Every member does the same works in the same order, so that a
 * message needs no name.
 */
import type { Arena } from './arena.ts';
import type { Kernels } from './kernels.ts';
import type { Block, Work } from './work.ts';

export interface Exchange {
  /**
   * Tells the others what this member wrote, and writes what they did.
   *
   * @param written by member
   * @param scratch address of room for the largest share
   * @returns for `takeTurns`
   */
  trade(written: Block[][], arena: Arena, kernels: Kernels, scratch: number): Iterable<unknown>;
  /** Nobody waits any longer, now and later. */
  fail(error: unknown): void;
}

/** Bytes that `trade` needs for itself. */
export function scratchFor(works: readonly Work[]): number {
  return Math.max(0, ...works.flatMap(({ written }) => written?.map(bytesOf) ?? []));
}

export function bytesOf(blocks: Block[]): number {
  return blocks.reduce((sum, { rows, bytes }) => sum + rows * bytes, 0);
}

/** Blocks, one after the other at `to`. */
export function gatherBlocks(blocks: Block[], kernels: Kernels, to: number): void {
  for (const { address, stride, rows, bytes } of blocks) {
    kernels.copyRows(address, stride, to, bytes, rows, bytes);
    to += rows * bytes;
  }
}

/** The same back. */
export function scatterBlocks(blocks: Block[], kernels: Kernels, from: number): void {
  for (const { address, stride, rows, bytes } of blocks) {
    kernels.copyRows(from, bytes, address, stride, rows, bytes);
    from += rows * bytes;
  }
}
