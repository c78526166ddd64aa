/**
 * What a page and its workers hold after a garbage collection, as the browser counts it.
 */
import type { CDPSession, Page } from '@playwright/test';

/** A session of the page, or of one of its workers. */
interface Target {
  send(method: string): Promise<unknown>;
  /** @returns all chunks of a heap snapshot */
  snapshot(): Promise<string>;
}

/**
 * Types of nodes in a heap snapshot that are a program's own. The others are compiled code, which V8 makes more and better of
 * the more often it runs, and what belongs to the browser.
 */
const OWN = new Set(['object', 'array', 'closure', 'string', 'concatenated string', 'regexp']);

export interface Held {
  /** Bytes of array buffers. */
  buffers: number;
  /** Objects, arrays, functions and strings, and their bytes. */
  count: number;
  objects: number;
}

interface WorkerSession {
  waiting: Map<number, (answer: unknown) => void>;
  snapshot: string;
}

export class Heap {
  readonly #session: CDPSession;
  /** By CDP session. */
  readonly #workers = new Map<string, WorkerSession>();
  #messages = 0;

  static async of(page: Page): Promise<Heap> {
    const heap = new Heap(await page.context().newCDPSession(page));
    await heap.#watchWorkers();
    return heap;
  }

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  /** In the page and in every worker together. */
  async held(): Promise<Held> {
    const sum: Held = { buffers: 0, count: 0, objects: 0 };
    for (const target of [this.#page, ...[...this.#workers.keys()].map((id) => this.#worker(id))]) {
      // What one collection finds dead may free more for the next.
      for (let i = 0; i < 3; i++) await target.send('HeapProfiler.collectGarbage');
      const { backingStorageSize } = (await target.send('Runtime.getHeapUsage')) as Record<string, number>;
      const { count, bytes } = ownNodes(await target.snapshot());
      sum.buffers += backingStorageSize;
      sum.count += count;
      sum.objects += bytes;
    }
    return sum;
  }

  get workers(): number {
    return this.#workers.size;
  }

  get #page(): Target {
    const session = this.#session;
    return {
      send: (method) => session.send(method as 'Runtime.getHeapUsage'),
      async snapshot() {
        let json = '';
        const onChunk = ({ chunk }: { chunk: string }) => {
          json += chunk;
        };
        session.on('HeapProfiler.addHeapSnapshotChunk', onChunk);
        await session.send('HeapProfiler.takeHeapSnapshot');
        session.off('HeapProfiler.addHeapSnapshotChunk', onChunk);
        return json;
      },
    };
  }

  #worker(sessionId: string): Target {
    const worker = this.#workers.get(sessionId)!;
    const send = (method: string) => {
      const id = ++this.#messages;
      const answer = new Promise((resolve) => worker.waiting.set(id, resolve));
      this.#session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
      return answer;
    };
    return {
      send,
      async snapshot() {
        worker.snapshot = '';
        await send('HeapProfiler.takeHeapSnapshot');
        return worker.snapshot;
      },
    };
  }

  async #watchWorkers(): Promise<void> {
    const session = this.#session;
    session.on('Target.attachedToTarget', ({ sessionId }) => {
      this.#workers.set(sessionId, { waiting: new Map(), snapshot: '' });
    });
    session.on('Target.detachedFromTarget', ({ sessionId }) => this.#workers.delete(sessionId));
    session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
      const { id, result, method, params } = JSON.parse(message);
      const worker = this.#workers.get(sessionId);
      if (worker && method === 'HeapProfiler.addHeapSnapshotChunk') worker.snapshot += params.chunk;
      worker?.waiting.get(id)?.(result);
    });
    await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  }
}

/** `nodes` of a snapshot is one list of numbers, so many for each node. */
function ownNodes(json: string): { count: number; bytes: number } {
  const { snapshot, nodes } = JSON.parse(json);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const type = fields.indexOf('type');
  const size = fields.indexOf('self_size');
  const sum = { count: 0, bytes: 0 };
  for (let i = 0; i < nodes.length; i += fields.length) {
    if (!OWN.has(types[type][nodes[i + type]])) continue;
    sum.count++;
    sum.bytes += nodes[i + size];
  }
  return sum;
}
