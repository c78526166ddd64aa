/**
 * The other threads that compute a model together with this one, as it sees them. Where there is shared memory, which only pages have that
 * are isolated from other origins, all work in it; else each has a memory of its own and a part of the weights.
 */
import { unpackError, ViTError } from '../error.ts';
import type { Plan } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { type Answer, HELPER, PING, type Question } from './helper.ts';
import type { Inputs, Links, MemberOptions } from './member.ts';
import type { Range } from './panels.ts';
import type { Ports } from './port-exchange.ts';
import { SpareBuffers } from './spare-buffers.ts';

/** Milliseconds after which a worker that says nothing is none of ours. */
const PATIENCE = 15_000;
/** Signs of life that one owes by then. Counted, so that a page that slept for hours has missed one of them. */
const PINGS = 3;

export interface TeamOptions extends Omit<MemberOptions, 'place' | 'links'> {
  /** Members, with this thread. */
  members: number;
  /** Shared by all of them; null where there is none. */
  memory: WebAssembly.Memory | null;
  /** The address of the annex. */
  script: string;
}

export class Team {
  /** By member: this thread's are the first. */
  readonly links: readonly Links[];
  /** Called when a member can go on no more. */
  onFailure: (error: ViTError) => void = () => {};
  readonly #helpers: HelperWorker[] = [];
  /** By helper: what it needs of the weights. */
  #needed: [string, Range][][] = [];
  readonly #ended = new AbortController();
  #failure: ViTError | null = null;

  /** @throws Error where the workers cannot be had. Nothing is left running. */
  static async start({ memory, ...options }: TeamOptions): Promise<Team> {
    const { members } = options;
    const team = new Team(memory ? Array(members).fill(memory) : meshOf(members));
    try {
      await team.#start(options);
      return team;
    } catch (error) {
      team.end(error as Error);
      throw error;
    }
  }

  private constructor(links: Team['links']) {
    this.links = links;
  }

  get members(): number {
    return this.#helpers.length + 1;
  }

  /** What the others hold. */
  get bytes(): number {
    return this.#helpers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Why it can go on no more. */
  get failure(): ViTError | null {
    return this.#failure;
  }

  /** To each what it needs of it. */
  addPiece({ data, first, ...piece }: TensorPiece): void {
    for (const [index, helper] of this.#helpers.entries()) {
      for (const [tensor, needed] of this.#needed[index]) {
        if (tensor !== piece.name) continue;
        const [from, to] = [Math.max(needed.from - first, 0), Math.min(needed.to - first, data.length)];
        if (from >= to) continue;
        const part = data.subarray(from, to);
        const buffer = helper.spare.filled(part);
        const copy = { ...piece, first: first + from, data: new Float32Array(buffer, 0, part.length) };
        helper.ask(['addPiece', copy], [buffer]);
      }
    }
  }

  async finish(): Promise<void> {
    await this.#askAll(() => ['finish', null]);
    for (const helper of this.#helpers) helper.spare = new SpareBuffers();
  }

  /** @throws ViTError `out-of-memory` */
  async compile(number: number, plan: Plan, batch: number): Promise<void> {
    await this.#askAll(() => ['compile', { number, plan, batch }]);
  }

  forget(): void {
    for (const helper of this.#helpers) helper.ask(['forget', null]);
  }

  /** Each begins; what they say to each other and to this thread is the end of it. */
  run(number: number, inputs: Inputs): void {
    this.#askAll(() => ['run', { number, inputs }]).catch((error) => this.#fail((error as Error).message));
  }

  /** May be called again. */
  end(why: Error): void {
    this.#ended.abort();
    for (const helper of this.#helpers) helper.end(why);
  }

  async #start({ members, script, ...options }: Omit<TeamOptions, 'memory'>): Promise<void> {
    const { signal } = this.#ended;
    const helpers = this.links.slice(1).map(async (links, index) => {
      const helper = new HelperWorker(script, (message) => this.#fail(message));
      this.#helpers.push(helper);
      const lock = `${HELPER} ${crypto.randomUUID?.()}`;
      const place = { member: index + 1, members };
      const transfer = links instanceof WebAssembly.Memory ? [] : links.filter((port) => port !== null);
      const opening = { ...options, lock, place, links };
      const needed = await helper.ask<[string, Range][]>(['open', opening], transfer);
      const { locks } = navigator;
      const died = () => this.#fail('it was ended');
      // Pages that are not secure have none.
      if (locks) locks.request(lock, { signal }, died).catch(() => {});
      else helper.watch(died);
      return needed;
    });
    this.#needed = await within(PATIENCE, Promise.all(helpers));
  }

  async #askAll(question: (index: number) => Question): Promise<void> {
    await Promise.all(this.#helpers.map((helper, index) => helper.ask(question(index))));
  }

  #fail(message: string): void {
    if (this.#failure || this.#ended.signal.aborted) return;
    this.#failure = new ViTError('device-lost', `A worker of the CPU is lost: ${message}.`);
    this.end(this.#failure);
    this.onFailure(this.#failure);
  }
}

/** A worker that answers questions in their order. */
class HelperWorker {
  bytes = 0;
  /** For copies of what it is asked about: they come back with the answers. */
  spare = new SpareBuffers();
  readonly #worker: Worker;
  readonly #asked: { resolve(result: unknown): void; reject(error: unknown): void }[] = [];
  #failure: Error | null = null;
  /** Since its last word. */
  #pings = 0;
  #watch: ReturnType<typeof setInterval> | undefined;

  /** @param onError called when the worker cannot be had, or fails beyond its answers */
  constructor(script: string, onError: (message: string) => void) {
    this.#worker = startWorker(script);
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answer | typeof PING>) => {
      this.#pings = 0;
      if (data === PING) return;
      const { resolve, reject } = this.#asked.shift()!;
      if (data.lent) this.spare.keep(data.lent);
      if ('error' in data) return reject(unpackError(data.error));
      this.bytes = data.bytes;
      resolve(data.result);
    });
    this.#worker.addEventListener('error', ({ message }) =>
      onError(`${script} ${message ? `failed: ${message}` : 'cannot be loaded'}`),
    );
  }

  /** Rejects with what the helper threw, or why it is no more. */
  ask<T>(question: Question, transfer: Transferable[] = []): Promise<T> {
    const answer = new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#asked.push({ resolve, reject });
      this.#worker.postMessage(question, transfer);
    });
    // Who does not wait for it learns of a failure otherwise.
    answer.catch(() => {});
    return answer as Promise<T>;
  }

  /** @param died called when it owes an answer and shows no sign of life */
  watch(died: () => void): void {
    this.#watch = setInterval(() => {
      if (this.#asked.length === 0) return;
      if (this.#pings++ === PINGS) died();
      else this.#worker.postMessage(PING);
    }, PATIENCE / PINGS);
  }

  end(why: Error): void {
    clearInterval(this.#watch);
    this.#failure = why;
    this.#worker.terminate();
    for (const { reject } of this.#asked.splice(0)) reject(why);
  }
}

function startWorker(script: string): Worker {
  const options: WorkerOptions = { type: 'module', name: HELPER };
  try {
    return new Worker(script, options);
  } catch {
    // Of another origin, which browsers refuse as a worker and not as a module that one imports.
    const importing = new Blob([`import ${JSON.stringify(script)}`], { type: 'text/javascript' });
    const url = URL.createObjectURL(importing);
    setTimeout(() => URL.revokeObjectURL(url), PATIENCE);
    return new Worker(url, options);
  }
}

/** For each member a port to every other one. */
function meshOf(members: number): Ports[] {
  const ports = Array.from({ length: members }, () => Array<MessagePort | null>(members).fill(null));
  for (let a = 0; a < members; a++) {
    for (let b = a + 1; b < members; b++) {
      const { port1, port2 } = new MessageChannel();
      ports[a][b] = port1;
      ports[b][a] = port2;
    }
  }
  return ports;
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('a worker does not answer')), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer!);
  }
}
