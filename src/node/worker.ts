/**
 * The engine's own thread in Node.
 */
import { parentPort } from 'node:worker_threads';
import type { Endpoint } from 'comlink';
import { loadAnnex } from '../annexes/registry.ts';
import { exposeEngine } from '../worker/wire.ts';
import { withFiles } from './files.ts';

globalThis.fetch = withFiles(globalThis.fetch);
const { EngineHost } = await loadAnnex('host', new URL('../annexes/entries/host.ts', import.meta.url).href);
exposeEngine(new EngineHost(), portAsEndpoint());

/** What a worker in a browser is to itself. */
function portAsEndpoint(): Endpoint {
  const port = parentPort!;
  return {
    postMessage: (message: unknown, transfer: never[] = []) => port.postMessage(message, transfer),
    addEventListener: (_: string, listener: (event: { data: unknown }) => void) =>
      void port.on('message', (data) => listener({ data })),
    removeEventListener: () => {},
  } as unknown as Endpoint;
}
