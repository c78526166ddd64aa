/**
 * Fills the queue with the parts that an output lacks, and follows them until all are there. What is there says the folder;
 * Redis knows only what is under way, and may forget it.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { ViTError } from '../../error.ts';
import { missingParts, type Output } from '../output.ts';
import { partsIn } from '../part-files.ts';
import { type Connection, type PartJob, QUEUE } from './connect.ts';

/** Parts in the queue at a time: enough for as many machines, and little for Redis. */
const AHEAD = 256;
/** Milliseconds between two looks. */
const INTERVAL = 500;

export interface SubmitOptions {
  /** Of a part, by workers that fail at it. */
  attempts: number;
  /** Called with which parts have come. */
  onParts?: (parts: number[]) => void | Promise<void>;
  signal?: AbortSignal;
}

/** @throws ViTError when all other parts are there, for those at which workers failed */
export async function submitParts(
  output: Output,
  { bullmq, redis }: Connection,
  { attempts, onParts, signal }: SubmitOptions,
): Promise<void> {
  const queue: Queue<PartJob> = new bullmq.Queue(QUEUE, { connection: redis });
  // Said by the connection.
  queue.on('error', () => {});
  const { folder } = output;
  const left = new Set(await missingParts(output));
  const next = left.values();
  const underWay = new Set<number>();
  const failures = new Map<number, string>();
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const idOf = (part: number) => `${name}-${part}`;

  const add = async (part: number) => {
    underWay.add(part);
    // Of an earlier time, when workers failed at it.
    if ((await queue.getJobState(idOf(part))) === 'failed') await queue.remove(idOf(part));
    const backoff = { type: 'exponential', delay: 1000 };
    const options = { jobId: idOf(part), attempts, backoff, removeOnComplete: true };
    await queue.add('part', { folder, part }, options);
  };
  const check = async (part: number) => {
    const state = await queue.getJobState(idOf(part));
    if (state === 'failed') {
      const job = await queue.getJob(idOf(part));
      failures.set(part, job?.failedReason ?? 'nobody knows why');
      underWay.delete(part);
      left.delete(part);
    } else if (state === 'unknown') await add(part); // Forgotten; or done, and a network's folder shows it later.
  };

  try {
    for (;;) {
      const there = await partsIn(folder);
      const come = [...left].filter((part) => there.has(part));
      for (const part of come) {
        left.delete(part);
        underWay.delete(part);
      }
      if (come.length > 0) await onParts?.(come);
      await Promise.all([...underWay].map(check));
      const more: Promise<void>[] = [];
      while (underWay.size < AHEAD) {
        const { value: part, done } = next.next();
        if (done) break;
        more.push(add(part));
      }
      await Promise.all(more);
      if (left.size === 0) break;
      await sleep(INTERVAL, undefined, { signal });
    }
  } finally {
    await queue.close();
  }
  if (failures.size === 0) return;
  const [[part, why]] = failures;
  const parts = `${failures.size} part${failures.size === 1 ? '' : 's'}`;
  const advice = 'Start it again to have them tried again';
  throw new ViTError('bad-input', `Workers failed at ${parts}, first at part ${part}: ${why} ${advice}.`);
}
