/**
 * How calls, pictures and errors cross between the page and a worker: comlink, with pixels moved instead of copied.
 */
import { type Endpoint, expose, proxy, type Remote, transferHandlers, wrap } from 'comlink';
import { packError, unpackError, type WireError } from '../error.ts';
import type { EngineInterface } from '../interface.ts';

/** The engine at the other end of a worker. Every method is asynchronous already, so the remote one has its type. */
export function wrapEngine(worker: Worker): Remote<EngineInterface> {
  installTransferHandlers();
  return wrap<EngineInterface>(worker);
}

/** Within a worker: serves `engine` to the page. @param port where a worker is none to itself */
export function exposeEngine(engine: EngineInterface, port?: Endpoint): void {
  installTransferHandlers();
  expose(engine, port);
}

/** A callback that can be called from the other side. */
export const remoteCallback = proxy;

export function installTransferHandlers(): void {
  const { canHandle } = transferHandlers.get('throw')!;
  // Comlink's own handler of what a method throws knows no codes and no causes.
  transferHandlers.set('throw', {
    canHandle,
    serialize: (thrown) => [packError((thrown as { value: unknown }).value), []],
    deserialize: (packed) => {
      throw unpackError(packed as WireError);
    },
  });
  // Messages with pixels or results in them move those instead of copying them: what is sent is the sender's no more.
  transferHandlers.set('move', {
    canHandle: (value): value is unknown => transferables(value).length > 0,
    serialize: (value) => [value, transferables(value)],
    deserialize: (value) => value,
  });
}

function transferables(value: unknown, found = new Set<Transferable>()): Transferable[] {
  // By the names of their classes: what comes from an iframe has classes of its own.
  const kind = Object.prototype.toString.call(value);
  if (ArrayBuffer.isView(value)) transferables(value.buffer, found);
  else if (kind === '[object ArrayBuffer]' || kind === '[object ImageBitmap]') found.add(value as Transferable);
  else if (Array.isArray(value) || isPlainObject(value)) {
    for (const item of Object.values(value)) transferables(item, found);
  }
  return [...found];
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
