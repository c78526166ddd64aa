/**
 * A thread of a team in Node: what a worker in a browser finds around itself, and the script that runs in it.
 */
import { parentPort, workerData } from 'node:worker_threads';

const port = parentPort!;
const early: unknown[] = [];
// Node keeps what comes until somebody listens, Deno does not.
port.on('message', (data) => void (globalThis.onmessage ? receive(data) : early.push(data)));
const postMessage = (message: unknown) => port.postMessage(message);
// Node 20 has no navigator.
Object.assign(globalThis, { name: workerData.name, postMessage, navigator: globalThis.navigator ?? {} });
await import(workerData.script);
early.splice(0).forEach(receive);

function receive(data: unknown): void {
  globalThis.onmessage!.call(globalThis as never, { data } as MessageEvent);
}
