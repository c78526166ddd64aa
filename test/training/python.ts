/**
 * The Python that trains. Importing PyTorch takes two seconds, so one process has it, and forks for each thing asked (forks.py).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test as base } from '@playwright/test';

/** One that has PyTorch, NumPy and Pillow; test/run.js finds it. */
export const PYTHON = process.env.PYTHON ?? 'python3';

/** Sums of several threads may come out in another order; and where another test has their cores, they wait for each other, busily. */
export const ENV = { ...process.env, OMP_NUM_THREADS: '1' };

export const SCRIPT = 'weights/training/train.py';

interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export class Python {
  readonly #child: ChildProcess = spawn(PYTHON, ['test/training/forks.py'], {
    env: ENV,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  readonly #answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();

  /** `python train.py`, with these arguments. @returns what it printed */
  train(...args: string[]): Promise<string> {
    return this.#ask({ script: SCRIPT, args });
  }

  /** @returns what the code, which has `train`, `torch` and the `folder`, leaves in `result` */
  async run(folder: string, code: string): Promise<unknown> {
    const said = await this.#ask({ code, args: [folder] });
    return JSON.parse(said.trim().split('\n').pop()!);
  }

  stop(): void {
    this.#child.stdin!.end();
  }

  /** One after the other. */
  async #ask(request: object): Promise<string> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { done, value } = await this.#answers.next();
    if (done) throw new Error(`${PYTHON} ended: it needs PyTorch, NumPy and Pillow`);
    const { exitCode, stdout, stderr }: Ended = JSON.parse(value);
    if (exitCode !== 0) throw new Error(stderr);
    return stdout;
  }
}

export const test = base.extend<object, { python: Python }>({
  python: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from the pattern.
    async ({}, use) => {
      const python = new Python();
      await use(python);
      python.stop();
    },
    { scope: 'worker' },
  ],
});

export { expect } from '@playwright/test';
