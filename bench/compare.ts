/**
 * The comparison itself: all systems are loaded, then asked in turn, round after round, so that whatever the machine does
 * meanwhile befalls all of them alike.
 */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDefaults } from '../src/model/architecture.ts';
import { planCost } from '../src/model/cost.ts';
import { planViT } from '../src/model/plan.ts';
import type { Contender, FirstResult, Opened } from './contender.ts';
import type { PreparedModel } from './models.ts';
import { floorOf, type Peaks } from './peaks.ts';
import { type Spread, spread } from './stats.ts';

export interface Limits {
  /** How often each system is loaded, from nothing and in turn; of several loads none has another system open beside it. */
  loads: number;
  /** Rounds at least and at most. */
  minRounds: number;
  maxRounds: number;
  /** Seconds that one system may spend on one batch size beyond its minimum of rounds. */
  budget: number;
  /** A run that would take longer, by its size and the runs before it, is left out. Seconds. */
  longestRun: number;
  /** Between two warm-up runs: what a system does while nothing is asked of it, such as tuning, is over then. Seconds. */
  settle: number;
}

export interface Comparison {
  model: string;
  weights: PreparedModel['weights'];
  gigaMacs: number;
  loads: Load[];
  /** Milliseconds to fetch the weights and drop them, in the middle one of as many loads; null where they are not fetched. */
  fetchAlone: number | null;
  batches: Batch[];
  /** By system, of those that report it. */
  kernels: Record<string, string>;
}

/** Of several loads the one in the middle. */
export interface Load extends Omit<FirstResult, 'logits'> {
  system: string;
  /** Milliseconds from nothing to the first logits, of that one and of all. */
  total: number;
  totals: number[];
  /** Largest difference of a logit from the first system's. */
  difference: number;
}

export interface Batch {
  images: number;
  /** Milliseconds: the larger of FLOPs over measured peak and bytes over measured bandwidth; null without an adapter. */
  floor: number | null;
  /** Of the last minute, this run's own work included: far above the number of cores, others were at work. */
  loadAverage: number;
  rows: Row[];
}

export interface Row {
  system: string;
  /** Milliseconds per batch; null when it was not run, for the reason in `remark`. */
  time: Spread | null;
  imagesPerSecond: number | null;
  /** Floor over median, of systems on the adapter. */
  ofFloor: number | null;
  /** Bytes. */
  peakMemory: number | null;
  remark: string;
}

/**
 * Milliseconds before each run on the CPU. Threads may spin on after an answer (onnxruntime-web's two take 41 ms of CPU in the 50 ms
 * behind theirs), and whoever comes next would pay for it: always the same one.
 */
const CALM = 100;

/** @param log called with what happens, line by line @param fetchAlone gives the milliseconds to fetch the weights and drop them */
export async function compare(
  model: PreparedModel,
  contenders: Contender[],
  batches: number[],
  limits: Limits,
  peaks: Peaks | null,
  log: (line: string) => void,
  fetchAlone?: (model: PreparedModel) => Promise<number>,
): Promise<Comparison> {
  const plan = planViT(withDefaults(model.architecture));
  const open: { contender: Contender; opened: Opened; last: { images: number; time: number } }[] = [];
  const failed = new Map<string, string>();
  const comparison: Comparison = {
    model: model.title,
    weights: model.weights,
    gigaMacs: planCost(plan).macs / 1e9,
    loads: [],
    fetchAlone: null,
    batches: [],
    kernels: {},
  };
  try {
    const firsts = new Map<Contender, FirstResult[]>(contenders.map((contender) => [contender, []]));
    const fetches: number[] = [];
    const rounds = limits.loads > 1 ? limits.loads + 1 : 1;
    for (let round = 1; round <= rounds; round++) {
      const isMeasured = round <= limits.loads;
      if (isMeasured && fetchAlone) fetches.push(await fetchAlone(model));
      for (const contender of contenders) {
        if (failed.has(contender.name)) continue;
        try {
          const opened = await contender.open(model);
          if (isMeasured) {
            firsts.get(contender)!.push(opened.first);
            log(`${model.title}: ${contender.name} has its first result after ${total(opened.first).toFixed(0)} ms`);
          }
          if (round < rounds) await opened.close();
          else open.push({ contender, opened, last: { images: 1, time: opened.first.stages['first run'] } });
        } catch (error) {
          failed.set(contender.name, `failed: ${firstLine(error)}`);
          log(`${model.title}: ${contender.name} ${failed.get(contender.name)}`);
        }
      }
    }
    comparison.loads = loadsOf(firsts);
    comparison.fetchAlone = fetches.length > 0 ? middleOf(fetches, (time) => time) : null;
    for (const images of batches) {
      const remarks = new Map(failed);
      const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
      const running = new Set(open.filter(({ contender }) => !failed.has(contender.name)));
      const attempt = async (entry: (typeof open)[number]): Promise<number | null> => {
        try {
          const time = await entry.opened.run(images);
          entry.last = { images, time };
          return time;
        } catch (error) {
          failed.set(entry.contender.name, `failed: ${firstLine(error)}`);
          remarks.set(entry.contender.name, failed.get(entry.contender.name)!);
          running.delete(entry);
          return null;
        }
      };
      for (const entry of running) {
        const expectedSeconds = (entry.last.time / entry.last.images) * images * 1e-3;
        if (expectedSeconds > limits.longestRun) {
          remarks.set(entry.contender.name, `left out: some ${expectedSeconds.toFixed(0)} s per run`);
          running.delete(entry);
          continue;
        }
        await attempt(entry); // Warm-up: pipelines and buffers of this batch size.
        if (limits.settle === 0 || !entry.contender.onAdapter || !running.has(entry)) continue;
        await sleep(1000 * limits.settle);
        await attempt(entry);
      }
      for (let round = 0; round < limits.maxRounds && running.size > 0; round++) {
        // Each round begins with another one: nobody always follows the same neighbour's heat.
        const order = [...running];
        order.push(...order.splice(0, round % order.length));
        for (const entry of order) {
          const taken = times.get(entry.contender.name)!;
          if (!entry.contender.onAdapter) await sleep(CALM);
          const time = await attempt(entry);
          if (time !== null) taken.push(time);
          const spent = taken.reduce((a, b) => a + b, 0) / 1000;
          if (taken.length >= limits.minRounds && spent > limits.budget) running.delete(entry);
        }
      }
      const floor = peaks && floorOf(planCost(plan, images), peaks);
      const rows: Row[] = [];
      for (const { name, onAdapter } of contenders) {
        const taken = times.get(name)!;
        const time = taken.length > 0 ? spread(taken) : null;
        const opened = open.find(({ contender }) => contender.name === name)?.opened;
        rows.push({
          system: name,
          time,
          imagesPerSecond: time && (1000 * images) / time.median,
          ofFloor: time && floor && onAdapter ? floor / time.median : null,
          peakMemory: time && opened ? await opened.peakMemory().catch(() => null) : null,
          remark: remarks.get(name) ?? '',
        });
        log(`${model.title}, batch ${images}: ${name} ${time ? `${time.median.toFixed(1)} ms` : remarks.get(name)}`);
      }
      comparison.batches.push({ images, floor, loadAverage: os.loadavg()[0], rows });
    }
    for (const { contender, opened } of open) {
      // What was measured is not to be lost because this fails.
      const kernels = await opened.kernels().catch(() => undefined);
      if (kernels) comparison.kernels[contender.name] = kernels;
    }
  } finally {
    await Promise.all(open.map(({ opened }) => opened.close().catch(() => {})));
  }
  return comparison;
}

function loadsOf(firsts: Map<Contender, FirstResult[]>): Load[] {
  const loaded = [...firsts].filter(([, results]) => results.length > 0);
  const expected = loaded[0]?.[1][0].logits;
  return loaded.map(([{ name }, results]) => {
    const { logits, ...middle } = middleOf(results, total);
    const difference = Math.max(...results.map((one) => largestDifference(one.logits, expected)));
    return {
      system: name,
      ...middle,
      total: total(middle),
      totals: results.map(total).sort((a, b) => a - b),
      difference,
    };
  });
}

function middleOf<T>(items: T[], size: (item: T) => number): T {
  return [...items].sort((a, b) => size(a) - size(b))[(items.length - 1) >> 1];
}

function total({ stages }: Pick<FirstResult, 'stages'>): number {
  return Object.values(stages).reduce((a, b) => a + b, 0);
}

/** Whether any system on the adapter ran it, or all that were asked; without an adapter, any. */
export function isCompared({ floor, rows }: Batch): boolean {
  const ran = rows.filter(({ time }) => time !== null);
  return ran.length === rows.length || ran.some(({ ofFloor }) => floor === null || ofFloor !== null);
}

function largestDifference(a: number[], b: number[]): number {
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0);
}

function firstLine(error: unknown): string {
  const message = String(error instanceof Error ? error.message : error).split('\n')[0];
  return message.replace(/^page\.evaluate: /, '').slice(0, 200);
}
