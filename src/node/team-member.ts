/**
 * A thread of a team in Node: what a worker in a browser finds around itself, and the script that runs in it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { receiveLater } from './early.ts';

const port = parentPort!;
const receiveBy = receiveLater(port);
const postMessage = (message: unknown) => port.postMessage(message);
// Node 20 has no navigator.
Object.assign(globalThis, { name: workerData.name, postMessage, navigator: globalThis.navigator ?? {} });
await import(workerData.script);
receiveBy((data) => globalThis.onmessage!.call(globalThis as never, { data } as MessageEvent));
