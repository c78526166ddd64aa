/**
 * A thread of Node's with the face of a browser's worker.
 */
import { Worker as Thread } from 'node:worker_threads';

export class ThreadWorker extends EventTarget {
  protected readonly thread: Thread;

  /** @param file the script of the thread, which gets `workerData` */
  constructor(file: URL, name: string, workerData?: unknown) {
    super();
    // Flags of the program, such as those of --eval, are not meant for it.
    this.thread = new Thread(file, { name, workerData, execArgv: [] });
    const fail = (message: string) => this.dispatchEvent(Object.assign(new Event('error'), { message }));
    this.thread.on('message', (data) => this.dispatchEvent(new MessageEvent('message', { data })));
    this.thread.on('error', (error) => fail(error instanceof Error ? error.message : `${error}`));
    // One that ends by itself has failed, too.
    this.thread.on('exit', (code) => fail(`ended with ${code}`));
  }

  postMessage(message: unknown, transfer: never[] = []): void {
    this.thread.postMessage(message, transfer);
  }

  terminate(): void {
    void this.thread.terminate();
  }
}
