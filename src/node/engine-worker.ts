/**
 * The worker of an engine in Node. It keeps the process alive only while it owes an answer.
 */
import { MessageChannel } from 'node:worker_threads';
import { type Endpoint, expose, transferHandlers } from 'comlink';
import { ThreadWorker } from './thread-worker.ts';

// A callback that nobody waits for keeps no process alive.
const { canHandle, deserialize } = transferHandlers.get('proxy')!;
transferHandlers.set('proxy', {
  canHandle,
  deserialize,
  serialize(callback) {
    const { port1, port2 } = new MessageChannel();
    expose(callback, port1 as unknown as Endpoint);
    port1.unref();
    return [port2, [port2 as unknown as Transferable]];
  },
});

export class EngineWorker extends ThreadWorker {
  #owed = 0;

  constructor() {
    super(new URL('./worker.js', import.meta.url), 'vit-webgpu');
    this.thread.on('message', () => {
      if (--this.#owed === 0) this.thread.unref();
    });
  }

  override postMessage(message: unknown, transfer?: never[]): void {
    this.#owed++;
    this.thread.ref();
    super.postMessage(message, transfer);
  }
}
