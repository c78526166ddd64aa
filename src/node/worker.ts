/**
 * The engine's own thread in Node.
 */
import { availableParallelism } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { Endpoint } from 'comlink';
import { loadAnnex } from '../annexes/registry.ts';
import { exposeEngine } from '../worker/wire.ts';
import { receiveLater } from './early.ts';
import { withFiles } from './file-addresses.ts';
import { TeamWorker } from './team-worker.ts';

// Node 20 has no navigator.
const navigator = globalThis.navigator ?? { hardwareConcurrency: availableParallelism() };
Object.assign(globalThis, { Worker: TeamWorker, navigator });
globalThis.fetch = withFiles(globalThis.fetch);
const endpoint = portAsEndpoint();
const { EngineHost } = await loadAnnex('host', new URL('../annexes/entries/host.ts', import.meta.url).href);
exposeEngine(new EngineHost(), endpoint);

/** What a worker in a browser is to itself. */
function portAsEndpoint(): Endpoint {
  const port = parentPort!;
  const receiveBy = receiveLater(port);
  return {
    postMessage: (message: unknown, transfer: never[] = []) => port.postMessage(message, transfer),
    addEventListener(_: string, listener: (event: { data: unknown }) => void) {
      receiveBy((data) => listener({ data }));
    },
    removeEventListener: () => {},
  } as unknown as Endpoint;
}
