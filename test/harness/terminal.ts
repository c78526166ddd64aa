/**
 * Runs the command line in this process and keeps what it writes.
 */
import { run } from '../../src/cli/command-line.ts';

export interface Outcome {
  exitCode: number;
  /** Lines of the result. */
  printed: string;
  /** Lines beside it: errors. */
  warned: string;
  /** Every line that was shown for a while; an empty one took the last away. */
  progressed: string[];
}

export async function runCommand(...args: string[]): Promise<Outcome> {
  const printed: string[] = [];
  const warned: string[] = [];
  const progressed: string[] = [];
  const exitCode = await run(args, {
    print: (line) => printed.push(line),
    warn: (line) => warned.push(line),
    progress: (line) => progressed.push(line),
  });
  return { exitCode, printed: printed.join('\n'), warned: warned.join('\n'), progressed };
}
