/**
 * Where the engine lives: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `EngineInterface`.
 */
import { releaseProxy } from 'comlink';
import { inFolder } from '../annexes/addresses.ts';
import { ADVICE } from '../annexes/registry.ts';
import { type ErrorCode, shown, ViTError } from '../error.ts';
import type { EngineInterface } from '../interface.ts';
import { VERSION } from '../version.ts';
import { wrapEngine } from '../worker/wire.ts';
import { annexHere } from './annex-here.ts';
import { badInput } from './options.ts';

export interface Connection {
  engine: EngineInterface;
  /** Never resolves; rejects when the worker cannot be started or dies. */
  failed: Promise<never>;
  /** May be called again. */
  close(): void;
}

/** Milliseconds after which a worker that says nothing is none of ours; its script must be here by then. */
const PATIENCE = 15_000;

const WAYS_OUT = `${ADVICE} Or do without: { worker: false }.`;

/**
 * @param worker makes the worker (for a bundler or a Content Security Policy that needs it made its own way);
 *   `false` runs the engine in the calling thread; by default the library's own worker file beside this one is started,
 *   where there are workers (not in Node, nor within service and shared workers).
 * @param assets the folder of all files of the library, where they are not beside this one
 * @throws ViTError `network` where no worker can be started, or the engine's file cannot be had for this thread;
 *   `bad-input` for a `worker` that is neither
 */
export async function connect(worker: false | (() => Worker) | undefined, assets?: string | URL): Promise<Connection> {
  if (worker === false || (!worker && typeof Worker === 'undefined')) {
    const { EngineHost } = await annexHere('host', assets);
    const engine = new EngineHost();
    return { engine, failed: new Promise(() => {}), close: () => void engine.dispose() };
  }
  const [port, name] = worker ? [madeBy(worker), 'that was given'] : startWorker(assets);
  const engine = wrapEngine(port);
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout>;
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string, code: ErrorCode = worker ? 'bad-input' : 'network') =>
      reject(new ViTError(code, `The engine's worker (${name}) ${why}. ${WAYS_OUT}`));
    port.addEventListener('error', ({ message }) =>
      fail(message ? `failed: ${message}` : 'could not be loaded', 'network'),
    );
    timer = setTimeout(() => fail('does not answer'), PATIENCE);
    const notOurs = () => fail(`is not of release ${VERSION}, as this script is`);
    engine.release().then((release) => {
      clearTimeout(timer);
      if (release !== VERSION) notOurs();
    }, notOurs);
  });
  failed.catch(() => {});
  return {
    engine: engine as unknown as EngineInterface,
    failed,
    close() {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      engine[releaseProxy]();
      port.terminate();
    },
  };
}

/** With its address. */
function startWorker(assets?: string | URL): [Worker, string] {
  const href = workerAddress(assets);
  const options: WorkerOptions = { type: 'module', name: 'vit-webgpu' };
  try {
    if (assets !== undefined) return [new Worker(href, options), href];
    // Written out in this form because bundlers find a worker by it.
    return [new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: 'vit-webgpu' }), href];
  } catch {
    return [startFromElsewhere(href, options), href];
  }
}

function workerAddress(assets?: string | URL): string {
  if (assets !== undefined) return inFolder(assets, 'worker.js').href;
  try {
    return new URL('../worker/worker.ts', import.meta.url).href;
  } catch (cause) {
    throw new ViTError('network', `A classic script has no address beside which its worker could be. ${WAYS_OUT}`, {
      cause,
    });
  }
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

function madeBy(factory: () => Worker): Worker {
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
