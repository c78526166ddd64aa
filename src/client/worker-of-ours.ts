/**
 * A worker of this library's: made, from wherever its script lies, and watched until it says which release it is of.
 */
import { type ErrorCode, shown, ViTError } from '../error.ts';
import { VERSION } from '../version.ts';
import { badInput } from './check-options.ts';

/** Milliseconds after which a worker that says nothing is none of ours; its script must be here by then. */
const PATIENCE = 15_000;

/** @throws ViTError `bad-input` where the caller's function makes none */
export function madeBy(factory: () => Worker): Worker {
  const what = 'The function that is the option "worker"';
  let worker: Worker;
  try {
    worker = factory();
  } catch (cause) {
    throw badInput(`${what} failed: ${(cause as Error)?.message}`, cause);
  }
  for (const method of ['postMessage', 'addEventListener', 'terminate'] as const) {
    if (typeof worker?.[method] !== 'function') {
      throw badInput(`${what} returned something else than a Worker: ${shown(worker)}.`);
    }
  }
  return worker;
}

/** Of another origin, which browsers refuse as a worker and not as a module that one imports. */
export function startFromElsewhere(address: string, options: WorkerOptions, waysOut: string): Worker {
  const script = new Blob([`import ${JSON.stringify(address)}`], { type: 'text/javascript' });
  const url = URL.createObjectURL(script);
  try {
    return new Worker(url, options);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ViTError('network', `No worker can be started from ${address} (${why}). ${waysOut}`, { cause });
  } finally {
    setTimeout(() => URL.revokeObjectURL(url), PATIENCE);
  }
}

/**
 * @param release what it answers when it is asked for its release
 * @param fail makes the error: why, and its code where it is not that of a worker that is none of ours
 * @returns what rejects when it cannot be started, does not answer, is of another release or dies, and what gives up waiting
 */
export function watched(
  worker: Worker,
  release: Promise<string>,
  fail: (why: string, code?: ErrorCode) => ViTError,
): { failed: Promise<never>; stopWaiting(): void } {
  let timer: ReturnType<typeof setTimeout>;
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', ({ message }) =>
      reject(fail(message ? `failed: ${message}` : 'could not be loaded', 'network')),
    );
    timer = setTimeout(() => reject(fail('does not answer')), PATIENCE);
    const notOurs = () => reject(fail(`is not of release ${VERSION}, as this script is`));
    release.then((its) => {
      clearTimeout(timer);
      if (its !== VERSION) notOurs();
    }, notOurs);
  });
  failed.catch(() => {});
  return { failed, stopWaiting: () => clearTimeout(timer) };
}
