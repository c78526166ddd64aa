/**
 * Which variants are the fastest on this GPU: each is tried, for the shapes of this plan, while nothing else is asked of the
 * GPU. No setting is right everywhere: a fixed one reaches on average 80 %, at worst 44 %, of what each GPU could do.
 */
import type { Gpu } from '../../gpu/device.ts';
import type { KernelCheck } from '../../interface.ts';
import type { AttentionTiling } from '../../kernels/attention.ts';
import { macsOf } from '../../model/cost.ts';
import {
  attentionKey,
  type DisabledVariants,
  type FusedTiling,
  isDisabled,
  isTunable,
  type KernelConfig,
  matmulKey,
  type Tilings,
  type TunableStep,
} from '../choose/kernel-config.ts';
import type { BatchClass, Network } from '../run/network.ts';
import { dispatchesOf } from '../run/program.ts';
import type { Schedule } from '../run/schedule.ts';
import { Stopwatch } from './stopwatch.ts';
import { attentionCandidates, matmulCandidates } from './variant-candidates.ts';

/** Milliseconds of GPU time, all in all. What is not tried by then stays as it is. */
const BUDGET = 300;
/** Milliseconds between looks at whether anything runs. */
const IDLE_CHECK = 20;
/** Of the time that is taken now: what wins by less may have won by chance. */
const WORTHWHILE = 0.95;

export interface Tuning {
  gpu: Gpu;
  network: Network;
  batch: number;
  batchClass: BatchClass;
  disabled: DisabledVariants;
  shaders: KernelConfig['shaders'];
  /** Compiled beside what is running. */
  scheduleWith(config: KernelConfig): Schedule;
  check(schedule: Schedule): Promise<KernelCheck[]>;
  /** Runs that are under way: what is tried waits for them. */
  running(): number;
}

/** The ways to do some work of the plan, and how much of it there is. */
type Contest = { step: TunableStep; macs: number } & (
  | { op: 'matmul'; key: keyof Tilings['matmul']; tilings: FusedTiling[] }
  | { op: 'attention'; key: keyof Tilings['attention']; tilings: AttentionTiling[] }
);

/** Looks for what is faster, and has the network take it if it is right. @returns what it uses from now on */
export async function tune(tuning: Tuning): Promise<KernelConfig> {
  const { network, batchClass, shaders, scheduleWith, check } = tuning;
  const { config } = network.schedule(batchClass);
  const found = await search(tuning, { ...config, shaders });
  const schedule = scheduleWith(found);
  await schedule.ready();
  await idle(tuning);
  if ((await check(schedule)).some(({ passed }) => !passed)) return config;
  network.use(schedule, batchClass);
  return found;
}

async function idle({ running }: Tuning): Promise<void> {
  while (running() > 0) await new Promise((resolve) => setTimeout(resolve, IDLE_CHECK));
}

/** @param config with all optional shaders @returns what was found to be faster, and the rest of `config` as it is */
async function search(tuning: Tuning, config: KernelConfig): Promise<KernelConfig> {
  const { gpu, network, batch, scheduleWith } = tuning;
  const contests = contestsOf(tuning, config);
  // The first of the candidates for all steps, then the second...: each a schedule.
  const most = Math.max(0, ...contests.map(({ tilings }) => tilings.length));
  const schedules = Array.from({ length: most }, (_, i) => scheduleWith(withTilings(config, contests, () => i)));
  await Promise.all(schedules.map((schedule) => schedule.ready()));

  const stopwatch = new Stopwatch(gpu, network, batch);
  const best = new Map<Contest, number>();
  for (const contest of contests.sort((a, b) => b.macs - a.macs)) {
    let current = Infinity;
    for (const i of contest.tilings.keys()) {
      const left = BUDGET - stopwatch.spent;
      if (left <= 0) return withBest();
      await idle(tuning);
      const time = await timeOf(contest.step, schedules[i], stopwatch, left / contest.tilings.length);
      if (time < current * (i === 0 ? 1 : WORTHWHILE)) {
        current = time;
        best.set(contest, i);
      }
    }
  }
  return withBest();

  function withBest(): KernelConfig {
    return withTilings(config, [...best.keys()], (contest) => best.get(contest)!);
  }
}

/** @param indexOf which of a contest's tilings; its first one where there is none */
function withTilings(
  config: KernelConfig,
  contests: readonly Contest[],
  indexOf: (contest: Contest) => number,
): KernelConfig {
  const matmul = { ...config.matmul };
  const attention = { ...config.attention };
  for (const contest of contests) {
    const i = indexOf(contest);
    if (contest.op === 'matmul') matmul[contest.key] = contest.tilings[i] ?? contest.tilings[0];
    else attention[contest.key] = contest.tilings[i] ?? contest.tilings[0];
  }
  return { ...config, matmul, attention };
}

/** One for each distinct work of the plan. */
function contestsOf({ gpu, network, batch, disabled }: Tuning, { storage }: KernelConfig): Contest[] {
  const { plan } = network;
  const { capabilities } = gpu;
  const contests = new Map<string, Contest>();
  for (const [i, step] of plan.steps.entries()) {
    if (!isTunable(step)) continue;
    const macs = macsOf(step, plan);
    const contest = contestOf(step, i, macs);
    const known = contests.get(`${contest.op} ${contest.key}`);
    if (known) known.macs += macs;
    else contests.set(`${contest.op} ${contest.key}`, contest);
  }
  return [...contests.values()];

  function contestOf(step: TunableStep, index: number, macs: number): Contest {
    const isAllowed = (tiling: FusedTiling | AttentionTiling) => !isDisabled(step.op, tiling, disabled);
    if (step.op === 'attention') {
      const tilings = attentionCandidates(step, plan, capabilities).filter(isAllowed);
      return { op: 'attention', key: attentionKey(step, plan), step, macs, tilings };
    }
    const before = plan.steps[index - 1];
    const norm = before?.op === 'layer-norm' && before.output === step.input;
    const tilings = matmulCandidates(step, plan, { batch, norm, storage }, capabilities).filter(isAllowed);
    return { op: 'matmul', key: matmulKey(step, plan), step, macs, tilings };
  }
}

/** Of the dispatch of a step; of a matmul that does not normalise, with the norm before it. */
async function timeOf(step: TunableStep, schedule: Schedule, stopwatch: Stopwatch, limit: number): Promise<number> {
  const { actions } = schedule.program;
  const dispatch = dispatchesOf(schedule.program).find(({ steps }) => steps.includes(step))!;
  const index = actions.indexOf(dispatch);
  const time = await stopwatch.measure(schedule, index, limit);
  const before = actions[index - 1];
  const isNormed = dispatch.steps.length === 1 && before && 'kernel' in before && before.kernel.name === 'layer-norm';
  return isNormed ? time + (await stopwatch.measure(schedule, index - 1, limit)) : time;
}
