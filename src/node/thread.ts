/**
 * A thread of Node's with the face of a browser's worker. It keeps the process alive only while it owes an answer.
 */
import { MessageChannel, Worker as Thread } from 'node:worker_threads';
import { type Endpoint, expose, transferHandlers } from 'comlink';

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

type Listener = (event: { data?: unknown; message?: string }) => void;

export function startThread(): Worker {
  // Flags of the program, such as those of --eval, are not meant for it.
  const thread = new Thread(new URL('./worker.js', import.meta.url), { name: 'vit-webgpu', execArgv: [] });
  const handlers = new Map<Listener, (value: unknown) => void>();
  let owed = 0;
  thread.on('message', () => {
    if (--owed === 0) thread.unref();
  });
  return {
    postMessage(message: unknown, transfer: never[] = []) {
      owed++;
      thread.ref();
      thread.postMessage(message, transfer);
    },
    addEventListener(type: 'message' | 'error', listener: Listener) {
      const handler =
        type === 'message'
          ? (data: unknown) => listener({ data })
          : (error: unknown) => listener({ message: error instanceof Error ? error.message : `ended with ${error}` });
      handlers.set(listener, handler);
      if (type === 'message') thread.on('message', handler);
      // One that ends by itself has failed, too.
      else for (const event of ['error', 'exit'] as const) thread.on(event, handler);
    },
    removeEventListener(type: 'message' | 'error', listener: Listener) {
      const handler = handlers.get(listener);
      if (handler) for (const event of type === 'message' ? ['message'] : ['error', 'exit']) thread.off(event, handler);
    },
    terminate: () => void thread.terminate(),
  } as unknown as Worker;
}
