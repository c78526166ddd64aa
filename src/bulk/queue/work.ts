/**
 * A worker: takes parts from the queue, one after the other, and writes them where they belong. A part that is taken twice is
 * written twice, the same; one whose worker dies is taken by another when its lock has run out.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import { ViTError } from '../../error.ts';
import { checkPictures, computePart } from '../compute-part.ts';
import type { Computer } from '../computer.ts';
import { type Output, openOutput } from '../output.ts';
import { partName, writePart } from '../part-files.ts';
import { type Connection, type PartJob, QUEUE } from './connect.ts';

/** How often the worker of a part may die before the part is held to be the reason. */
const MOST_DEATHS = 3;
/** Milliseconds that a worker keeps a part at which it failed, the second time in a row twice as long, and so on to the longest. */
const PAUSE = { first: 4000, longest: 60_000 };

export interface WorkOptions {
  /** Milliseconds after which the part of a worker that says nothing is another's. */
  stalledAfter: number;
  /** Milliseconds to finish a part in, once it is asked to stop; then the part goes back. */
  grace: number;
  /** The models of an output. The last are closed by whoever opens others. */
  open: (output: Output) => Promise<Computer>;
  onPart?: (part: WrittenPart) => void;
  onTrouble?: (message: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

export interface WrittenPart {
  folder: string;
  part: number;
  pictures: number;
  bad: number;
  /** Milliseconds. */
  elapsed: number;
}

/**
 * Until it is asked to stop. A part at which it fails is another's after a pause: a machine on which nothing works takes few of
 * them away from those on which it does, and goes on when it has been put right.
 */
export async function work(
  { bullmq, redis }: Connection,
  { stalledAfter, grace, open, onPart, onTrouble, signal }: WorkOptions,
): Promise<void> {
  /** Its list may be long: it is read once. */
  let output: Output | undefined;
  let failures = 0;
  const enough = new AbortController();

  const compute = async ({ folder, part }: PartJob) => {
    if (existsSync(join(folder, partName(part)))) return;
    output = await openOutput(folder, output);
    await checkPictures(output);
    const computer = await open(output);
    const start = performance.now();
    const computed = await computePart(output, part, computer, { signal: enough.signal });
    await writePart(folder, computed);
    const bad = computed.rows.filter(({ error }) => error !== null).length;
    onPart?.({ folder, part, pictures: computed.rows.length, bad, elapsed: performance.now() - start });
  };
  const take = async (job: Job<PartJob>, token?: string) => {
    try {
      await compute(job.data);
      failures = 0;
    } catch (error) {
      if (enough.signal.aborted) {
        await job.moveToWait(token);
        throw new bullmq.WaitingError();
      }
      const { folder, part } = job.data;
      onTrouble?.(`${folder}, part ${part}: ${(error as Error).message}`);
      const pause = Math.min(PAUSE.first * 2 ** failures++, PAUSE.longest);
      await sleep(pause, undefined, { signal }).catch(() => {});
      throw error;
    }
  };

  const worker: Worker<PartJob> = new bullmq.Worker(QUEUE, take, {
    connection: redis,
    lockDuration: stalledAfter,
    stalledInterval: stalledAfter,
    maxStalledCount: MOST_DEATHS,
    autorun: false,
  });
  // Said by the connection, unless it is something else.
  worker.on('error', ({ message }) => onTrouble?.(message));
  /** It ends the part that it has, or gives it back. */
  const stop = async () => {
    const timer = setTimeout(() => enough.abort(new ViTError('aborted', 'The worker was asked to stop.')), grace);
    await worker.close();
    clearTimeout(timer);
  };
  const stopped = signal.aborted
    ? stop()
    : new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => stop().then(resolve, reject));
      });
  if (!signal.aborted) await worker.run();
  await stopped;
}
