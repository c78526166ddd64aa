/**
 * The way to Redis, and to the queue there: BullMQ on ioredis, both of them the user's own packages.
 */
import type { Redis } from 'ioredis';
import { ViTError } from '../../error.ts';

/** Of BullMQ, on every machine the same. */
export const QUEUE = 'vit-webgpu';

/** What a job says: a part of an output, both of which lie in a folder that all machines share. */
export interface PartJob {
  folder: string;
  /** From 0. */
  part: number;
}

export interface Connection {
  bullmq: typeof import('bullmq');
  redis: Redis;
  /** Without a password, for messages. */
  place: string;
  close(): void;
}

/**
 * Once it was there, Redis may go and come again.
 * @param address `redis://host:6379/0`, or `rediss:` for TLS
 * @param onTrouble called with what is wrong with the connection, once for each trouble
 * @throws ViTError `bad-input` for another address, or without the packages; `network` where nobody answers
 */
export async function connect(address: string, onTrouble: (message: string) => void): Promise<Connection> {
  const place = placeOf(address);
  const { bullmq, ioredis } = await load();
  // What BullMQ wants; it makes further connections of this one.
  const redis = new ioredis.Redis(address, { maxRetriesPerRequest: null, lazyConnect: true });
  let told = '';
  let answered = false;
  let first: Error | undefined;
  redis.on('error', (error: Error) => {
    first ??= error;
    if (answered && told !== error.message) onTrouble(`Redis at ${place}: ${error.message}. It is tried again.`);
    told = error.message;
  });
  redis.on('ready', () => {
    told = '';
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const why = first?.message || (error as Error).message;
    throw new ViTError('network', `Redis at ${place} does not answer: ${why}.`, { cause: error });
  }
  answered = true;
  return { bullmq, redis, place, close: () => redis.disconnect() };
}

function placeOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !/^rediss?:$/.test(url.protocol) || !url.hostname)
    throw new ViTError('bad-input', '--queue is no address of Redis. Give one such as redis://localhost:6379.');
  return `${url.hostname}:${url.port || 6379}`;
}

async function load() {
  try {
    const [bullmq, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, ioredis };
  } catch (cause) {
    const ways = 'npm install bullmq ioredis';
    throw new ViTError('bad-input', `The queue is BullMQ on ioredis, which are not installed: ${ways}.`, { cause });
  }
}
