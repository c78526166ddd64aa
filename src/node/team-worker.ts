/**
 * What a browser calls a `Worker`, for the engine's thread in Node: the others of a team that computes a model on the CPU. None of
 * them keeps the process alive.
 */
import { Worker as Thread } from 'node:worker_threads';

export class TeamWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly #thread: Thread;

  /** @param script address of a module, which finds itself in a worker of this name */
  constructor(script: string, { name }: { name: string }) {
    const workerData = { script, name };
    this.#thread = new Thread(new URL('./team-member.js', import.meta.url), { name, workerData, execArgv: [] });
    this.#thread.unref();
    this.#thread.on('message', (data) => this.onmessage?.({ data }));
    this.#thread.on('error', ({ message }) => this.onerror?.({ message }));
    // One that ends by itself has failed, too.
    this.#thread.on('exit', (code) => this.onerror?.({ message: `ended with ${code}` }));
  }

  postMessage(message: unknown, transfer: never[] = []): void {
    this.#thread.postMessage(message, transfer);
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}
