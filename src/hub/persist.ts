/**
 * Asks again where that may help: the connection failed, or the Hub could not answer just now or said when it can.
 */
import { ViTError } from '../error.ts';
import { HubStatus } from './hub-request.ts';

/** In a row, without progress between them. */
const MOST_FAILURES = 4;
/** Milliseconds before the next attempt, doubled each time. */
const FIRST_WAIT = 200;
/** Seconds: whoever is asked to wait longer should know. */
const LONGEST_WAIT = 30;

/** @param progress grows with what has been had: a failure after some is the first one again */
export async function persist<T>(
  attempt: () => Promise<T>,
  signal?: AbortSignal,
  progress: () => number = () => 0,
): Promise<T> {
  for (let failures = 0; ; ) {
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      failures = progress() > before ? 1 : failures + 1;
      const wait = waitAfter(error, failures);
      if (wait === null || failures === MOST_FAILURES) throw error;
      await pause(wait, signal);
    }
  }
}

/** @returns milliseconds; null where asking again does not help */
function waitAfter(error: unknown, failures: number): number | null {
  // What asks the Hub throws ours alone; one without a cause is no failure of the connection.
  if (!(error instanceof ViTError) || !(error.cause instanceof Error)) return null;
  const { cause } = error;
  if (!(cause instanceof HubStatus)) return FIRST_WAIT * 2 ** (failures - 1);
  const { status, retryAfter } = cause;
  if (retryAfter !== undefined && retryAfter <= LONGEST_WAIT && (status === 429 || status === 503)) {
    return 1000 * retryAfter;
  }
  return status >= 500 ? FIRST_WAIT * 2 ** (failures - 1) : null;
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
