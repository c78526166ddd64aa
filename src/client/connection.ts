/**
 * Where the engine lives: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `EngineInterface`.
 */
import { releaseProxy } from 'comlink';
import { annexAddresses, inFolder } from '../annexes/addresses.ts';
import { ADVICE, loadAnnex } from '../annexes/registry.ts';
import type { AnnexAddresses } from '../annexes/table.ts';
import { ViTError } from '../error.ts';
import type { EngineInterface } from '../interface.ts';
import { VERSION } from '../version.ts';
import { wrapEngine } from '../worker/wire.ts';

export interface Connection {
  engine: EngineInterface;
  /** Never resolves; rejects when the worker cannot be started or dies. */
  failed: Promise<never>;
  /** May be called again. */
  close(): void;
}

/** Milliseconds after which a worker that says nothing is none of ours; its script may still be downloading. */
const PATIENCE = 60_000;

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
    const engine = await engineHere(annexAddresses(assets));
    return { engine, failed: new Promise(() => {}), close: () => void engine.dispose() };
  }
  const port = worker === undefined ? startWorker(assets) : madeBy(worker);
  const engine = wrapEngine(port);
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout>;
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string) => reject(new ViTError('network', `The engine's worker ${why}. ${ADVICE}`));
    port.addEventListener('error', ({ message }) => fail(message ? `failed: ${message}` : 'could not be loaded'));
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

async function engineHere({ 'host.js': address }: AnnexAddresses): Promise<EngineInterface> {
  try {
    const { EngineHost } = await loadAnnex('host', address);
    return new EngineHost();
  } catch (cause) {
    const why = `${address} cannot be used (${(cause as Error).message})`;
    throw new ViTError('network', `There is no engine for this thread: ${why}. ${ADVICE}`, { cause });
  }
}

function startWorker(assets?: string | URL): Worker {
  try {
    if (assets !== undefined) return new Worker(inFolder(assets, 'worker.js'), { type: 'module', name: 'vit-webgpu' });
    // Written out in this form because bundlers find a worker by it.
    return new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: 'vit-webgpu' });
  } catch (cause) {
    // No such thing as a worker here, a script without an address, another origin than the page's.
    const why = (cause as Error).message;
    throw new ViTError(
      'network',
      `No worker can be started (${why}): run the engine in this thread with the option "worker: false". ${ADVICE}`,
      { cause },
    );
  }
}

function madeBy(factory: () => Worker): Worker {
  const worker: Partial<Worker> | null = factory();
  if (worker?.postMessage) return worker as Worker;
  throw new ViTError('bad-input', 'The function that is the option "worker" returned something else than a Worker.');
}
