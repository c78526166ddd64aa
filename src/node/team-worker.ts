/**
 * What a browser calls a `Worker`, for the engine's thread in Node: the others of a team that computes a model on the CPU. None of
 * them keeps the process alive.
 */
import { ThreadWorker } from './thread-worker.ts';

export class TeamWorker extends ThreadWorker {
  /** @param script address of a module, which finds itself in a worker of this name */
  constructor(script: string, { name }: { name: string }) {
    super(new URL('./team-member.js', import.meta.url), name, { script, name });
    this.thread.unref();
  }
}
