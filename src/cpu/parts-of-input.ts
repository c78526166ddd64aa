/**
 * Linear layers that a team without shared memory splits by their inputs. Where the step before gives each member a part of them, it
 * keeps that: what is exchanged is the sum of what members make of their parts, and nothing before. That depends on the network alone,
 * since weights are split so.
 */
import type { Step } from '../model/plan.ts';
import { type Place, sliceOf } from './divisible-work.ts';
import { PANEL, panelsOf, type Range } from './panels.ts';

/** Panels that the kernel finishes together: two members never write to one line of the cache. */
export const PAIR = 2;

interface Size {
  rows: number;
  columns: number;
}

/** Of a matrix. */
export interface Part {
  rows: Range;
  columns: Range;
}

/** What this member has of `x`; null unless `step` can go on with what each member has of what `before` gives. */
export function partsOfInput(before: Step | undefined, step: Step, x: Size, place: Place): Part[] | null {
  if (place.members === 1 || step.op !== 'matmul' || step.activation || step.input !== before?.output) return null;
  if (before.op === 'matmul') return [{ ...wholeOf(x), columns: columnsOf(x, place) }];
  return 'heads' in before ? partsOfHeads(x, before.heads, place) : null;
}

/** First whole heads, maybe none, and behind them rows of those that it shares with others. */
export function partsOfHeads({ rows, columns }: Size, heads: number, { member, members }: Place): Part[] {
  const own = sliceOf(heads * rows, member, members);
  const [from, to] = [member, member + 1].map((share) => (heads * share) / members);
  const first = Math.ceil(from);
  const end = Math.max(first, Math.floor(to));
  const ranges = [
    [first, end],
    [Math.floor(from), first],
    [end, Math.ceil(to)],
  ];
  return ranges
    .filter(([from, to], index) => index === 0 || from < to)
    .map(([from, to], index) => ({
      rows: index
        ? { from: Math.max(0, own.from - from * rows), to: Math.min(rows, own.to - from * rows) }
        : { from: 0, to: rows },
      columns: { from: (from * columns) / heads, to: (to * columns) / heads },
    }));
}

export function wholeOf({ rows, columns }: Size): Part {
  return { rows: { from: 0, to: rows }, columns: { from: 0, to: columns } };
}

/** Columns of a member, in pairs of panels. */
export function columnsOf({ columns }: Size, { member, members }: Place): Range {
  const { from, to } = sliceOf(Math.ceil(panelsOf(columns) / PAIR), member, members);
  return { from: Math.min(columns, from * PAIR * PANEL), to: Math.min(columns, to * PAIR * PANEL) };
}

/** Each as its own place. */
export function everyone({ members }: Place): Place[] {
  return Array.from({ length: members }, (_, member) => ({ member, members }));
}
