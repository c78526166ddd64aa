/**
 * Where the engine lives: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `EngineInterface`.
 */
import { releaseProxy } from 'comlink';
import { annexAddresses, inFolder } from '../annexes/addresses.ts';
import { loadAnnex } from '../annexes/registry.ts';
import type { AnnexAddresses } from '../annexes/table.ts';
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
 *   `false` runs the engine in the calling thread; by default the library's own worker file beside this one is started,
 *   where there are workers (not in Node, nor within service and shared workers).
 * @param assets the folder of all files of the library, where they are not beside this one
 * @throws ViTError `network` where the engine's file cannot be had for this thread
 */
export async function connect(worker: false | (() => Worker) | undefined, assets?: string | URL): Promise<Connection> {
  if (worker === false || (!worker && typeof Worker === 'undefined')) {
    const engine = await engineHere(annexAddresses(assets));
    return { engine, failed: new Promise(() => {}), close: () => void engine.dispose() };
  }
  const port = worker ? worker() : startWorker(assets);
  const engine = wrapEngine(port);
  const failed = new Promise<never>((_, reject) => {
    port.addEventListener('error', (event) => {
      const why = event.message ? `: ${event.message}` : ' (its file could not be loaded)';
      reject(
        new ViTError(
          'network',
          `The engine's worker failed${why}. Serve all of dist/lib; the option "assets" says where.`,
        ),
      );
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

async function engineHere({ 'host.js': address }: AnnexAddresses): Promise<EngineInterface> {
  try {
    const { EngineHost } = await loadAnnex('host', address);
    return new EngineHost();
  } catch (cause) {
    const why = `${address} cannot be used (${(cause as Error).message})`;
    throw new ViTError(
      'network',
      `There is no engine: ${why}. Serve all of dist/lib; the option "assets" says where.`,
      {
        cause,
      },
    );
  }
}

function startWorker(assets?: string | URL): Worker {
  if (assets !== undefined) return new Worker(inFolder(assets, 'worker.js'), { type: 'module', name: 'vit-webgpu' });
  // Written out in this form because bundlers find a worker by it.
  return new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module', name: 'vit-webgpu' });
}
