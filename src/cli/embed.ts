/**
 * `vit-webgpu embed`: embeddings of many pictures, as Parquet files.
 */
import { Command } from 'commander';
import {
  bulkBackendOption,
  type ComputeFlags,
  type OutputFlags,
  outputOf,
  threadsOption,
  withOutputFlags,
} from './bulk-flags.ts';
import { runOutput } from './run-output.ts';
import type { Terminal } from './terminal.ts';

export function embedCommand(terminal: Terminal): Command {
  const command = new Command('embed')
    .description('embeddings of many pictures, as Parquet files; what was interrupted goes on where it was')
    .argument('[image...]', 'pictures: files or addresses')
    .requiredOption('--out <folder>', 'where the files go, and what is there of them already');
  return withOutputFlags(command)
    .addOption(bulkBackendOption())
    .addOption(threadsOption())
    .action(async (images: string[], flags: OutputFlags & ComputeFlags) => {
      const output = await outputOf({ task: 'embed', topK: null }, images, flags, terminal);
      await runOutput(output, flags, terminal);
    });
}
