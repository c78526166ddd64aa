/**
 * What a page and its workers hold after a garbage collection, as the browser counts it.
 */
import type { CDPSession, Page } from '@playwright/test';

type Send = (method: string) => Promise<unknown>;

/** Of the types of nodes in a heap snapshot. */
const COUNTED = new Set(['object', 'array', 'closure', 'string', 'concatenated string', 'regexp']);

export class Heap {
  readonly #session: CDPSession;
  /** By CDP session: what waits for an answer. */
  readonly #workers = new Map<string, Map<number, (answer: unknown) => void>>();
  #messages = 0;

  static async of(page: Page): Promise<Heap> {
    const heap = new Heap(await page.context().newCDPSession(page));
    await heap.#watchWorkers();
    return heap;
  }

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  /** Bytes, of the page and of every worker: of array buffers, and of objects, compiled code included. */
  async bytes(): Promise<{ buffers: number; objects: number }> {
    const page: Send = (method) => this.#session.send(method as 'Runtime.getHeapUsage');
    const workers = [...this.#workers.keys()].map(
      (id): Send =>
        (method) =>
          this.#sendTo(id, method),
    );
    const sum = { buffers: 0, objects: 0 };
    for (const send of [page, ...workers]) {
      // What one collection finds dead may free more for the next.
      for (let i = 0; i < 3; i++) await send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = (await send('Runtime.getHeapUsage')) as Record<string, number>;
      sum.buffers += backingStorageSize;
      sum.objects += usedSize;
    }
    return sum;
  }

  /** Objects, arrays, functions and strings of the page, from a heap snapshot: neither compiled code nor what is the browser's own. */
  async count(): Promise<number> {
    const session = this.#session;
    let json = '';
    const onChunk = ({ chunk }: { chunk: string }) => {
      json += chunk;
    };
    session.on('HeapProfiler.addHeapSnapshotChunk', onChunk);
    await session.send('HeapProfiler.takeHeapSnapshot');
    session.off('HeapProfiler.addHeapSnapshotChunk', onChunk);
    // `nodes` is one list of numbers, so many for each node.
    const { snapshot, nodes } = JSON.parse(json);
    const { node_fields: fields, node_types: types } = snapshot.meta;
    const type = fields.indexOf('type');
    let count = 0;
    for (let i = type; i < nodes.length; i += fields.length) if (COUNTED.has(types[type][nodes[i]])) count++;
    return count;
  }

  get workers(): number {
    return this.#workers.size;
  }

  async #watchWorkers(): Promise<void> {
    const session = this.#session;
    session.on('Target.attachedToTarget', ({ sessionId }) => this.#workers.set(sessionId, new Map()));
    session.on('Target.detachedFromTarget', ({ sessionId }) => this.#workers.delete(sessionId));
    session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
      const { id, result } = JSON.parse(message);
      this.#workers.get(sessionId)?.get(id)?.(result);
    });
    await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  }

  #sendTo(sessionId: string, method: string): Promise<unknown> {
    const id = ++this.#messages;
    const answer = new Promise((resolve) => this.#workers.get(sessionId)!.set(id, resolve));
    this.#session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
    return answer;
  }
}
