/**
 * A member of a team in a worker of its own, which does what the thread with the engine asks of it, one after the other. The worker's
 * script is that of the annex.
 */
import { packError, type WireError } from '../error.ts';
import type { Plan } from '../model/plan.ts';
import type { TensorPiece } from '../weights/tensor-assembler.ts';
import { type Inputs, Member, type MemberOptions, type Ready } from './member.ts';
import type { Range } from './panels.ts';
import { takeTurns } from './take-turns.ts';

/** The name of such a worker, by which the script knows that it runs in one. */
export const HELPER = 'vit-webgpu cpu';

/** What may be asked: a method with its argument. */
export type Question = {
  [Name in Method]: [Name, Parameters<Helper[Name]>[0]];
}[Method];

type Method = Exclude<keyof Helper, 'bytes'>;

/** Answers come in the order of the questions, each with the memory of its question's `data`. */
export type Answer = ({ error: WireError } | { result: unknown; bytes: number }) & { lent?: ArrayBuffer };

/** Asked at any time, and answered by itself as soon as there is a pause: a sign of life. */
export const PING = null;

export class Helper {
  #member: Member | null = null;
  readonly #programs = new Map<number, Ready>();

  get bytes(): number {
    return this.#member?.arena.bytes ?? 0;
  }

  /** @param lock is held for as long as this thread lives. @returns what it needs of the weights */
  async open({ lock, ...options }: MemberOptions & { lock: string }): Promise<[string, Range][]> {
    await hold(lock);
    this.#member = await Member.create(options);
    return this.#member.weights.needed;
  }

  addPiece(piece: TensorPiece): void {
    this.#member!.addPiece(piece);
  }

  finish(_: null): void {
    this.#member!.weights.finish();
  }

  compile({ number, plan, batch }: { number: number; plan: Plan; batch: number }): void {
    this.#programs.set(number, this.#member!.compile(plan, batch));
  }

  forget(_: null): void {
    this.#programs.clear();
  }

  async run({ number, inputs }: { number: number; inputs: Inputs }): Promise<void> {
    const program = this.#programs.get(number)!;
    this.#member!.setInputs(program, inputs);
    await takeTurns(this.#member!.steps(program));
  }
}

/** The browser lets the page know when whoever held a lock is no more: only this way it learns of a thread that was killed. */
async function hold(lock: string): Promise<void> {
  const { locks } = navigator;
  if (locks) await new Promise<void>((held) => void locks.request(lock, () => new Promise(() => held())));
}

/** For the script of the annex. Elsewhere than in such a worker nothing happens. */
export function serveIfHelper(): void {
  if ((globalThis as { name?: string }).name !== HELPER || typeof document !== 'undefined') return;
  const helper = new Helper();
  const { postMessage } = globalThis as unknown as {
    postMessage(answer: Answer | typeof PING, transfer?: ArrayBuffer[]): void;
  };
  let last: Promise<void> = Promise.resolve();
  globalThis.onmessage = ({ data }: MessageEvent<Question | typeof PING>) => {
    if (data === PING) return postMessage(PING);
    const [method, argument] = data;
    const answer = async (): Promise<Answer> => {
      try {
        const result = await (helper[method] as (argument: unknown) => unknown).call(helper, argument);
        return { result, bytes: helper.bytes };
      } catch (error) {
        return { error: packError(error) };
      }
    };
    const lent = (argument as { data?: { buffer: ArrayBuffer } } | null)?.data?.buffer;
    last = last.then(async () => postMessage({ ...(await answer()), lent }, lent && [lent]));
  };
}
