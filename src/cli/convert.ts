/**
 * `vit-webgpu convert`: a checkpoint to a folder with `model.json` and shards.
 */
import { Command } from 'commander';
import { FORMATS } from '../convert/open-checkpoint.ts';
import { findCheckpoint } from './checkpoint-files.ts';
import { addConvertFlags, type ConvertFlags } from './convert-flags.ts';
import { convertToFolder } from './convert-to-folder.ts';
import type { Terminal } from './terminal.ts';

interface Flags extends ConvertFlags {
  repository?: string;
  revision?: string;
  license?: string;
}

export function convertCommand(terminal: Terminal): Command {
  const command = new Command('convert')
    .description('convert a checkpoint to model.json and shards')
    .argument('<checkpoint>', `a file of ${FORMATS}, an index of several, or the folder of either`);
  return addConvertFlags(command)
    .option('--repository <url>', 'where the checkpoint comes from, for model.json')
    .option('--revision <id>', 'of the repository, for model.json')
    .option('--license <id>', 'of the checkpoint, for model.json')
    .action(async (path: string, flags: Flags) => {
      const { repository, revision, license } = flags;
      await convertToFolder(findCheckpoint(path), flags, { repository, revision, license }, terminal);
    });
}
