/**
 * `vit-webgpu submit`: as `embed` and `classify --out`, computed by workers on any number of machines.
 */
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { idsOf } from '../bulk/output.ts';
import { countErrors, partName } from '../bulk/part-files.ts';
import { number, Progress } from '../bulk/progress.ts';
import { connect } from '../bulk/queue/connect.ts';
import { submitParts } from '../bulk/queue/submit.ts';
import type { Task } from '../bulk/schema.ts';
import { type OutputFlags, outputOf, withOutputFlags } from './bulk-flags.ts';
import { parseCount } from './flags.ts';
import { missingPictures, sayOutcome, showing } from './run-output.ts';
import type { Terminal } from './terminal.ts';

interface Flags extends OutputFlags {
  queue: string;
  topK: number;
  attempts: number;
}

export function submitCommand(terminal: Terminal): Command {
  const command = new Command('submit')
    .description(
      'as embed and classify --out, by workers on other machines (vit-webgpu work): fills their queue and follows it',
    )
    .addArgument(new Argument('<task>').choices(['embed', 'classify']))
    .argument('[image...]', 'pictures: files or addresses')
    .requiredOption('--queue <url>', 'of Redis, such as redis://localhost:6379')
    .requiredOption('--out <folder>', 'where the files go, by the same path on every machine');
  return withOutputFlags(command)
    .option('--attempts <n>', 'at a part, before it is given up', parseCount, 5)
    .option('--top-k <n>', 'classify: how many labels per picture', parseCount, 5)
    .action((task: Task, images: string[], flags: Flags) => submit(task, images, flags, terminal));
}

async function submit(task: Task, images: string[], flags: Flags, terminal: Terminal): Promise<void> {
  const topK = task === 'classify' ? flags.topK : null;
  const output = await outputOf({ task, topK }, images, flags, terminal);
  const { count: total } = output.job.pictures;
  const missing = await missingPictures(output);
  if (missing < total) terminal.print(`${number(total - missing)} of ${number(total)} pictures are there already.`);
  if (missing === 0) return;
  const connection = await connect(flags.queue, (message) => terminal.warn(message));
  try {
    const start = performance.now();
    const progress = new Progress(total, total - missing);
    let bad = 0;
    const onParts = async (parts: number[]) => {
      for (const part of parts) {
        progress.add(idsOf(output, part).length);
        bad += await countErrors(join(output.folder, partName(part)));
      }
    };
    await showing(progress, terminal, () => submitParts(output, connection, { attempts: flags.attempts, onParts }));
    sayOutcome(output, bad, missing, performance.now() - start, terminal);
  } finally {
    connection.close();
  }
}
