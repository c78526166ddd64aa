/**
 * Requests that are retried, with growing pauses, when a failure may be temporary. Knows neither shards nor caches.
 */
import { ViTError } from '../error.ts';

/** Failures in a row, without progress in between, that are retried. */
const RETRIES = 4;
/** Milliseconds before the first retry; each further one waits twice as long. */
const FIRST_PAUSE = 200;
/** Statuses that are retried: timeout, no such range, too early, too many requests. So is every status of 500 and above. */
const PASSING = [408, 416, 425, 429];

export interface RequestOptions<T> {
  /** For messages: 'the model'. */
  what: string;
  signal: AbortSignal;
  /** `'reload'` goes past every HTTP cache. */
  cache?: RequestCache;
  /** What there is instead when the server cannot be reached, if anything: then it is not tried again. */
  otherwise?(): Promise<T | undefined>;
}

/** How much of a file has arrived. */
export interface Position {
  bytes: number;
}

/**
 * @param consume reads a response from `position` on, which it moves; called again after a failure. Whatever it throws,
 *   except a `ViTError`, counts as a broken connection.
 * @param position what has arrived is not requested again, if the server supports ranges; a failure after some progress
 *   starts the count of failures anew
 * @throws ViTError `network`, `aborted`, and those of `consume`
 */
export async function request<T>(
  url: string,
  { what, signal, cache = 'default', otherwise }: RequestOptions<T>,
  consume: (response: Response) => Promise<T>,
  position: Position = { bytes: 0 },
): Promise<T> {
  let isReachable = false;
  for (let failures = 0; ; ) {
    const start = position.bytes;
    let problem = 'Check the connection and the address.';
    let cause: unknown;
    let response: Response | undefined;
    try {
      response = await fetch(url, { signal, cache, ...(start > 0 && { headers: { range: `bytes=${start}-` } }) });
      if (!continuesAt(start, response)) position.bytes = 0;
      if (response.ok) return await consume(response);
      problem = `the server answered ${response.status}.`;
      await response.body?.cancel();
      if (!PASSING.includes(response.status) && response.status < 500) {
        throw new ViTError('network', `Could not fetch ${what} from ${url}: ${problem}`);
      }
    } catch (error) {
      if (error instanceof ViTError && !signal.aborted) throw error;
      cause = error;
    }
    failures = position.bytes > start ? 1 : failures + 1;
    if (signal.aborted) throw abortError(cause);
    const instead = await otherwise?.();
    if (instead !== undefined) return instead;
    if (!response) {
      if (isReachable) throw corsError(url, what, cause);
      isReachable = await answersUnread(url, signal);
      if (isReachable) continue;
    }
    if (failures > RETRIES) throw new ViTError('network', `Could not fetch ${what} from ${url}: ${problem}`, { cause });
    await pause(FIRST_PAUSE * 2 ** (failures - 1), signal);
  }
}

/**
 * Whether a server is there, though what it sends may not be read: a request that asks for no permission to read is
 * answered. If the ordinary one fails right after that, it was refused by CORS, which browsers do not say.
 */
async function answersUnread(url: string, signal: AbortSignal): Promise<boolean> {
  if (globalThis.origin === undefined) return false;
  return fetch(url, { method: 'HEAD', mode: 'no-cors', signal }).then(
    () => true,
    () => false,
  );
}

function corsError(url: string, what: string, cause: unknown): ViTError {
  const header = `Access-Control-Allow-Origin: ${origin === 'null' ? '*' : origin}`;
  const message = `Could not fetch ${what} from ${url}: its server does not allow ${origin} to read it (CORS).`;
  return new ViTError('network', `${message} It must send the header "${header}".`, { cause });
}

/**
 * Whether a response continues where the bytes that have arrived end. Many servers know no ranges and send everything again;
 * a compressed range is not one of the file; `Content-Range` is hidden by some servers of another origin.
 */
function continuesAt(start: number, { status, headers }: Response): boolean {
  if (status >= 400) return status !== 416;
  const range = headers.get('content-range');
  return status === 206 && !headers.has('content-encoding') && (range === null || range.startsWith(`bytes ${start}-`));
}

/** Between half of `milliseconds` and all of it, so that clients that failed together do not come back together. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(abortError(signal.reason));
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', stop);
        resolve();
      },
      milliseconds * (0.5 + Math.random() / 2),
    );
    signal.addEventListener('abort', stop, { once: true });
  });
}

export function abortError(cause: unknown): ViTError {
  return new ViTError('aborted', 'Loading was aborted.', { cause });
}
