/**
 * Which of the ways to do some work is the fastest on this GPU: each is tried, for the shapes of this plan, while nothing
 * else is asked of the GPU. No setting is right everywhere: a fixed one reaches on average 80 %, at worst 44 %, of what
 * each GPU could do.
 */
import type { Gpu } from '../../gpu/device.ts';
import type { Pipelines } from '../../gpu/pipelines.ts';
import { stepCosts } from '../../model/cost.ts';
import {
  type Abilities,
  avoiding,
  type Choices,
  candidates,
  isWork,
  isWrong,
  type Tiling,
  type Work,
  workOf,
} from '../choose/choices.ts';
import type { Network } from '../run/network.ts';
import { dispatchesOf } from '../run/program.ts';
import { Schedule } from '../run/schedule.ts';
import { Stopwatch } from './stopwatch.ts';

/** Milliseconds of GPU time, all in all. What is not tried by then stays as it is. */
const BUDGET = 300;
/** Of the time that is taken now: what wins by less may have won by chance. */
const WORTHWHILE = 0.95;

export interface TuningContext {
  gpu: Gpu;
  pipelines: Pipelines;
  network: Network;
  batch: number;
  abilities: Abilities;
  /** Variants of kernels that are not to be tried, by `variantName`. */
  without: ReadonlySet<string>;
  /** Resolves when the GPU has nothing else to do; rejects when there is no GPU any more. */
  idle(): Promise<void>;
}

/** The ways to do some work of the plan. */
interface Contest {
  work: Work;
  tilings: Tiling[];
  macs: number;
}

/** @returns `choices` with what was found to be faster */
export async function tune(context: TuningContext, choices: Choices): Promise<Choices> {
  const { gpu, pipelines, network, batch, without, idle } = context;
  const { plan } = network;
  const contests = contestsOf(context);
  // The first of the candidates for all works, then the second...: each a schedule, compiled beside what is running.
  const most = Math.max(0, ...[...contests.values()].map(({ tilings }) => tilings.length));
  const schedules: Schedule[] = [];
  for (let i = 0; i < most; i++) {
    const tilings = Object.fromEntries([...contests].map(([name, { tilings }]) => [name, tilings[i] ?? tilings[0]]));
    schedules.push(new Schedule(plan, avoiding({ ...choices, tilings }, without), pipelines));
  }
  await Promise.all(schedules.map((schedule) => schedule.ready()));

  const stopwatch = new Stopwatch(gpu, network, batch);
  const best: Record<string, Tiling> = { ...choices.tilings };
  const byCost = [...contests].sort(([, a], [, b]) => b.macs - a.macs);
  for (const [name, { work, tilings }] of byCost) {
    let current = Infinity;
    for (const [i, tiling] of tilings.entries()) {
      const left = BUDGET - stopwatch.spent;
      if (left <= 0) return { ...choices, tilings: best };
      await idle();
      const time = await timeOf(work, schedules[i], stopwatch, left / tilings.length);
      if (time < current * (i === 0 ? 1 : WORTHWHILE)) {
        current = time;
        best[name] = tiling;
      }
    }
  }
  return { ...choices, tilings: best };
}

/** One for each distinct work of the plan. */
function contestsOf({ network: { plan }, batch, without, abilities }: TuningContext): Map<string, Contest> {
  const contests = new Map<string, Contest>();
  const costs = stepCosts(plan);
  for (const [i, step] of plan.steps.entries()) {
    if (!isWork(step)) continue;
    const name = workOf(step, plan);
    const known = contests.get(name);
    if (known) known.macs += costs[i].macs;
    else {
      const before = plan.steps[i - 1];
      const isNormed = before?.op === 'layer-norm' && before.output === step.input;
      const tilings = candidates(step, plan, batch, isNormed, abilities);
      const right = tilings.filter((tiling) => !isWrong(name, tiling, without));
      contests.set(name, { work: step, tilings: right, macs: costs[i].macs });
    }
  }
  return contests;
}

/** Of the dispatch of some work; of a matmul that does not normalise, with the norm before it. */
async function timeOf(work: Work, schedule: Schedule, stopwatch: Stopwatch, limit: number): Promise<number> {
  const { actions } = schedule.program;
  const dispatch = dispatchesOf(schedule.program).find(({ steps }) => steps.includes(work))!;
  const index = actions.indexOf(dispatch);
  const time = await stopwatch.measure(schedule, index, limit);
  const before = actions[index - 1];
  const isNormed = dispatch.steps.length === 1 && before && 'kernel' in before && before.kernel.name === 'layer-norm';
  return isNormed ? time + (await stopwatch.measure(schedule, index - 1, limit)) : time;
}
