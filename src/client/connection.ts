/**
 * Where the engine lives: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `EngineInterface`.
 */
import { releaseProxy } from 'comlink';
import { inFolder } from '../annexes/in-folder.ts';
import { ADVICE } from '../annexes/registry.ts';
import { ViTError } from '../error.ts';
import type { EngineInterface } from '../interface.ts';
import { wrapEngine } from '../worker/wire.ts';
import { annexHere } from './annex-here.ts';
import { madeBy, startFromElsewhere, watched } from './worker-of-ours.ts';

export interface Connection {
  engine: EngineInterface;
  /** Never resolves; rejects when the worker cannot be started or dies. */
  failed: Promise<never>;
  /** May be called again. */
  close(): void;
}

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
  const { failed, stopWaiting } = watched(
    port,
    engine.release(),
    (why, code = worker ? 'bad-input' : 'network') =>
      new ViTError(code, `The engine's worker (${name}) ${why}. ${WAYS_OUT}`),
  );
  return {
    engine: engine as unknown as EngineInterface,
    failed,
    close() {
      if (isClosed) return;
      isClosed = true;
      stopWaiting();
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
    return [startFromElsewhere(href, options, WAYS_OUT), href];
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
