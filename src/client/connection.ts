/**
 * Where the engine lives: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `EngineInterface`.
 */
import { releaseProxy } from 'comlink';
import { ViTError } from '../error.ts';
import type { EngineInterface } from '../interface.ts';
import { wrapEngine } from '../worker/wire.ts';

export interface Connection {
  engine: EngineInterface;
  /** Never resolves; rejects when the worker cannot be started or dies. */
  failed: Promise<never>;
  /** May be called again. */
  close(): void;
}

/**
 * @param worker makes the worker (for a bundler or a Content Security Policy that needs it made its own way);
 *   `false` runs the engine in the calling thread; by default the library's own worker file beside this one is started.
 */
export async function connect(worker: false | (() => Worker) | undefined): Promise<Connection> {
  if (worker === false) {
    const { EngineHost } = await import('../engine/host.ts');
    const engine = new EngineHost();
    return { engine, failed: new Promise(() => {}), close: () => void engine.dispose() };
  }
  const port = worker ? worker() : startWorker();
  const engine = wrapEngine(port);
  const failed = new Promise<never>((_, reject) => {
    port.addEventListener('error', (event) => {
      const why = event.message ? `: ${event.message}` : ' (its file could not be loaded)';
      reject(new ViTError('network', `The engine's worker failed${why}. Serve worker.js beside index.js.`));
    });
  });
  failed.catch(() => {});
  let isClosed = false;
  return {
    engine: engine as unknown as EngineInterface,
    failed,
    close() {
      if (isClosed) return;
      isClosed = true;
      engine[releaseProxy]();
      port.terminate();
    },
  };
}

function startWorker(): Worker {
  // Written out in this form because bundlers find a worker by it.
  return new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: 'vit-webgpu' });
}
