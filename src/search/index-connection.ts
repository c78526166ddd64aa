/**
 * Where an index is searched: in a module worker of its own, or in this thread. Either way its caller sees the same
 * `IndexInterface`.
 */
import { releaseProxy, wrap } from 'comlink';
import { inFolder } from '../annexes/in-folder.ts';
import { madeBy, startFromElsewhere, watched } from '../client/worker-of-ours.ts';
import { ViTError } from '../error.ts';
import { installTransferHandlers } from '../worker/wire.ts';
import { importHost } from './host-registry.ts';
import type { IndexInterface } from './index-interface.ts';

export interface IndexConnection {
  index: IndexInterface;
  /** Never resolves; rejects when the worker cannot be started or dies. */
  failed: Promise<never>;
  close(): void;
}

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
  const { failed, stopWaiting } = watched(
    worker,
    index.release(),
    (why, code = given ? 'bad-input' : 'network') =>
      new ViTError(code, `The index's worker (${given ? 'that was given' : address}) ${why}. ${WAYS_OUT}`),
  );
  return {
    index: index as unknown as IndexInterface,
    failed,
    close() {
      stopWaiting();
      index[releaseProxy]();
      worker.terminate();
    },
  };
}

function scriptAddress(assets?: string | URL): string {
  if (assets !== undefined) return inFolder(assets, 'search-worker.js').href;
  return new URL('./search-worker.ts', import.meta.url).href;
}

function startWorker(address: string, assets?: string | URL): Worker {
  const options = { type: 'module', name: 'vit-webgpu-search' } as const;
  try {
    if (assets !== undefined) return new Worker(address, options);
    // Written out in this form because bundlers find a worker by it.
    return new Worker(new URL('./search-worker.ts', import.meta.url), { type: 'module', name: 'vit-webgpu-search' });
  } catch {
    return startFromElsewhere(address, options, WAYS_OUT);
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
