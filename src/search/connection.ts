/**
 * Where an index is searched: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `IndexInterface`.
 */
import { releaseProxy, wrap } from 'comlink';
import { badInput } from '../client/options.ts';
import { type ErrorCode, shown, ViTError } from '../error.ts';
import { VERSION } from '../version.ts';
import { installTransferHandlers } from '../worker/wire.ts';
import type { IndexInterface } from './interface.ts';
import { importHost } from './registry.ts';

export interface IndexConnection {
  index: IndexInterface;
  /** Never resolves; rejects when the worker cannot be started or dies. */
  failed: Promise<never>;
  close(): void;
}

/** Milliseconds after which a worker that says nothing is none of ours. */
const PATIENCE = 15_000;

const WAYS_OUT =
  'Serve all of vit-webgpu/dist/search beside your script, or in the folder that the option "assets" names; ' +
  "in Vite's configuration set optimizeDeps: { exclude: ['vit-webgpu'] }. Or do without: { worker: false }.";

/**
 * @param given makes the worker, for a page that needs it made its own way; false: in the calling thread, as where there are no
 *   workers (Node, service workers)
 * @param assets the folder of the files of `dist/search`, where they are not beside this one
 * @throws ViTError `network` where the index's script cannot be had, `bad-input` for a function that makes no worker
 */
export async function connectIndex(
  given: false | (() => Worker) | undefined,
  assets?: string | URL,
): Promise<IndexConnection> {
  const address = scriptAddress(assets);
  if (given === false || (!given && typeof Worker === 'undefined')) {
    const index = await hostHere(address);
    return { index, failed: new Promise(() => {}), close: () => void index.dispose() };
  }
  const worker = given ? madeBy(given) : startWorker(address, assets);
  installTransferHandlers();
  const index = wrap<IndexInterface>(worker);
  let timer: ReturnType<typeof setTimeout>;
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string, code: ErrorCode = 'network') =>
      reject(new ViTError(code, `The index's worker (${given ? 'that was given' : address}) ${why}. ${WAYS_OUT}`));
    worker.addEventListener('error', ({ message }) => fail(message ? `failed: ${message}` : 'could not be loaded'));
    timer = setTimeout(() => fail('does not answer'), PATIENCE);
    const notOurs = () => fail(`is not of release ${VERSION}, as this script is`);
    index.release().then((release) => {
      clearTimeout(timer);
      if (release !== VERSION) notOurs();
    }, notOurs);
  });
  failed.catch(() => {});
  return {
    index: index as unknown as IndexInterface,
    failed,
    close() {
      clearTimeout(timer);
      index[releaseProxy]();
      worker.terminate();
    },
  };
}

function scriptAddress(assets?: string | URL): string {
  if (assets !== undefined)
    return new URL('search-worker.js', new URL(`${assets}`.replace(/\/?$/, '/'), pageAddress())).href;
  return new URL('./search-worker.ts', import.meta.url).href;
}

/** What addresses of a page are relative to; there is nothing of the kind in Node. */
export function pageAddress(): string | undefined {
  return typeof document === 'undefined' ? globalThis.location?.href : document.baseURI;
}

function startWorker(address: string, assets?: string | URL): Worker {
  const options = { type: 'module', name: 'vit-webgpu-search' } as const;
  try {
    if (assets !== undefined) return new Worker(address, options);
    // Written out in this form because bundlers find a worker by it.
    return new Worker(new URL('./search-worker.ts', import.meta.url), { type: 'module', name: 'vit-webgpu-search' });
  } catch {
    return startFromElsewhere(address, options);
  }
}

function madeBy(factory: () => Worker): Worker {
  const what = 'The function that is the option "worker"';
  let worker: Worker;
  try {
    worker = factory();
  } catch (cause) {
    throw badInput(`${what} failed: ${(cause as Error)?.message}`, cause);
  }
  if (typeof worker?.postMessage === 'function') return worker;
  throw badInput(`${what} returned something else than a Worker: ${shown(worker)}.`);
}

/** Of another origin, which browsers refuse as a worker and not as a module that one imports. */
function startFromElsewhere(address: string, options: WorkerOptions): Worker {
  const script = new Blob([`import ${JSON.stringify(address)}`], { type: 'text/javascript' });
  const url = URL.createObjectURL(script);
  try {
    return new Worker(url, options);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ViTError('network', `No worker can be started from ${address} (${why}). ${WAYS_OUT}`, { cause });
  } finally {
    setTimeout(() => URL.revokeObjectURL(url), PATIENCE);
  }
}

async function hostHere(address: string): Promise<IndexInterface> {
  try {
    return new (await importHost(address))();
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ViTError('network', `The script of the index, ${address}, cannot be used (${why}). ${WAYS_OUT}`, {
      cause,
    });
  }
}
