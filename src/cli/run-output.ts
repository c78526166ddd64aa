/**
 * Computes what an output lacks, and says how far it is and what came of it.
 */
import { computeMissing } from '../bulk/compute-missing.ts';
import { checkPictures } from '../bulk/compute-part.ts';
import { idsOf, missingParts, type Output } from '../bulk/output.ts';
import { duration, number, Progress } from '../bulk/progress.ts';
import type { ComputeFlags } from './bulk-flags.ts';
import { count, type Terminal } from './terminal.ts';
import { withComputer } from './with-computer.ts';

/** Milliseconds between two looks at the progress. */
const INTERVAL = 500;

export async function runOutput(output: Output, flags: ComputeFlags, terminal: Terminal): Promise<void> {
  const { count: total } = output.job.pictures;
  const before = total - (await missingPictures(output));
  if (before > 0) terminal.print(`${number(before)} of ${number(total)} pictures are there already.`);
  if (before === total) return;
  await checkPictures(output);
  await withComputer(output.job, flags, terminal, async (computer) => {
    const start = performance.now();
    const progress = new Progress(total, before);
    await showing(progress, terminal, () =>
      computeMissing(output, computer, { onDone: (pictures, bad) => progress.add(pictures, bad) }),
    );
    sayOutcome(output, progress.bad, total - before, performance.now() - start, terminal);
  });
}

/** How many there are in the parts that are not there. */
export async function missingPictures(output: Output): Promise<number> {
  return (await missingParts(output)).reduce((sum, part) => sum + idsOf(output, part).length, 0);
}

export async function showing<T>(progress: Progress, terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const show = () => terminal.progress(progress.text());
  const timer = setInterval(show, INTERVAL);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    terminal.progress('');
  }
}

/** @param pictures that were computed @param elapsed milliseconds */
export function sayOutcome(
  { folder }: Output,
  bad: number,
  pictures: number,
  elapsed: number,
  terminal: Terminal,
): void {
  const rate = ((pictures / elapsed) * 1000).toFixed(1);
  terminal.print(`${folder}: ${count(pictures, 'picture')} in ${duration(elapsed / 1000)}, ${rate}/s`);
  if (bad > 0) terminal.warn(`${count(bad, 'picture')} could not be read: the column error says why.`);
}
