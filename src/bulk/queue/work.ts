/**
 * A worker: takes parts from the queue, one after the other, and writes them where they belong. A part that is taken twice is
 * written twice, the same; one whose worker dies is taken by another when its lock has run out.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Worker } from 'bullmq';
import { ViTError } from '../../error.ts';
import { checkPictures, computePart } from '../compute-part.ts';
import type { Computer } from '../computer.ts';
import { type Output, openOutput } from '../output.ts';
import { partName, writePart } from '../part-files.ts';
import { type Connection, type PartJob, QUEUE } from './connect.ts';

/** How often the worker of a part may die before the part is held to be the reason. */
const MOST_DEATHS = 3;

export interface WorkOptions {
  /** Milliseconds after which the part of a worker that says nothing is another's. */
  stalledAfter: number;
  /** Milliseconds to finish a part in, once it is told to stop; then the part goes back. */
  grace: number;
  /** The models of an output. The last are closed by whoever opens others. */
  open: (output: Output) => Promise<Computer>;
  onPart?: (part: WrittenPart) => void;
  onTrouble?: (message: string) => void;
  /** Tells it to stop. */
  signal?: AbortSignal;
}

export interface WrittenPart {
  folder: string;
  part: number;
  pictures: number;
  bad: number;
  /** Milliseconds. */
  elapsed: number;
}

/** @throws what stands in the way of any part on this machine, such as a model that is not here. The part goes back then. */
export async function work(
  { bullmq, redis }: Connection,
  { stalledAfter, grace, open, onPart, onTrouble, signal }: WorkOptions,
): Promise<void> {
  const outputs = outputCache();
  const enough = new AbortController();
  let unfit: unknown;

  const take = async (job: Job<PartJob>, token?: string) => {
    const { folder, part } = job.data;
    const giveBack = async () => {
      await job.moveToWait(token);
      throw new bullmq.WaitingError();
    };
    if (existsSync(join(folder, partName(part)))) return;
    let output: Output;
    let computer: Computer;
    try {
      output = await outputs(folder);
      await checkPictures(output);
      computer = await open(output);
    } catch (error) {
      unfit = error;
      void stop();
      return giveBack();
    }
    const start = performance.now();
    try {
      const computed = await computePart(output, part, computer, { signal: enough.signal });
      await writePart(folder, computed);
      const bad = computed.rows.filter(({ error }) => error !== null).length;
      onPart?.({ folder, part, pictures: computed.rows.length, bad, elapsed: performance.now() - start });
    } catch (error) {
      if (enough.signal.aborted) return giveBack();
      onTrouble?.(`${folder}, part ${part}: ${(error as Error).message}`);
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

  let closed: Promise<void> | undefined;
  /** It ends the part that it has, or gives it back. */
  const stop = () => {
    closed ??= (async () => {
      const timer = setTimeout(() => enough.abort(new ViTError('aborted', 'The worker was told to stop.')), grace);
      await worker.close();
      clearTimeout(timer);
    })();
    return closed;
  };
  signal?.addEventListener('abort', () => void stop());
  if (!signal?.aborted) await worker.run();
  await stop();
  if (unfit) throw unfit;
}

/** The last one is kept: its list may be long. */
function outputCache(): (folder: string) => Promise<Output> {
  let last: Output | undefined;
  return async (folder) => {
    last = await openOutput(folder, last);
    return last;
  };
}
