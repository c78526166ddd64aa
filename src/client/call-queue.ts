/**
 * Calls run one after another in the order they came; every one of them settles, whatever happens to the engine.
 */
import { toViTError, ViTError } from '../error.ts';

export class Queue {
  /** Jobs that were ever given to `run`. */
  count = 0;
  #last: Promise<unknown> = Promise.resolve();
  #error: ViTError | null = null;
  /** Of calls that have not settled. One promise of the closing, raced with each of them, would keep them all for ever. */
  readonly #rejects = new Set<(error: ViTError) => void>();

  /**
   * @returns what `job` returns.
   * @throws ViTError `aborted` as soon as `signal` is aborted, waiting or running (a job that waits is then never
   *   started); the error of `close` once the queue is closed; what `job` throws.
   */
  run<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.count++;
    const turn = this.#last.then(() => {
      throwIfAborted(signal);
      if (this.#error) throw this.#error;
      return this.settle(job());
    });
    this.#last = turn.catch(() => {});
    return this.settle(turn, signal);
  }

  /** What comes first of `result`, of the queue's closing and of an abort. Every error is a `ViTError`. */
  settle<T>(result: Promise<T>, signal?: AbortSignal): Promise<T> {
    const settled = new Promise<T>((resolve, reject) => {
      if (this.#error) reject(this.#error);
      this.#rejects.add(reject);
      const release = () => this.#rejects.delete(reject);
      result.then(resolve, (error) => reject(toViTError(error))).then(release);
    });
    return signal ? Promise.race([settled, rejectOnAbort(signal, result)]) : settled;
  }

  /** Rejects every call, now and later, with `error`. The first error stays. */
  close(error: ViTError): void {
    this.#error ??= error;
    for (const reject of this.#rejects) reject(this.#error);
    this.#rejects.clear();
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Rejects when `signal` is aborted; lets go of the signal once `until` has settled. */
export function rejectOnAbort(signal: AbortSignal, until: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(abortError(signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const release = () => signal.removeEventListener('abort', onAbort);
    until.then(release, release);
  });
}

function abortError(signal: AbortSignal): ViTError {
  return new ViTError('aborted', 'The call was aborted by its signal.', { cause: signal.reason });
}
