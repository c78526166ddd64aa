/**
 * How many threads compute a model. Pure but for the machine's cores.
 */
import type { Plan } from '../model/plan.ts';

/** However many are asked for. */
const MOST = 8;

/** By default: what members say to each other grows with their number. */
const MOST_BY_DEFAULT = 4;

/**
 * Tokens times width², which the work between two exchanges is a multiple of: below it, an exchange takes as long as to compute
 * it alone.
 */
const SMALLEST = 2 ** 22;

/** @param asked for by the caller; default by this machine's cores and the size of the model */
export function threadsFor(asked: number | undefined, plan: Plan): number {
  if (typeof Worker === 'undefined') return 1;
  if (asked !== undefined) return Math.min(asked, MOST);
  const tokens = Math.max(...Object.values(plan.values).map(({ rows }) => rows));
  if (tokens * plan.architecture.width ** 2 < SMALLEST) return 1;
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  // Of more than two, half are likely to be the other halves of the same ones.
  return Math.min(Math.max(Math.min(cores, 2), cores >> 1), MOST_BY_DEFAULT);
}
