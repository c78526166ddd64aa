/**
 * The command line as a function: arguments in, exit code out.
 */
import { Command, CommanderError } from 'commander';
import { ViTError } from '../error.ts';
import { classifyCommand } from './classify.ts';
import { convertCommand } from './convert.ts';
import { withFlags } from './convert-flags.ts';
import { embedCommand } from './embed.ts';
import { evaluateCommand } from './evaluate.ts';
import { exportOnnxCommand } from './export-onnx.ts';
import { fetchCommand } from './fetch.ts';
import { inspectCommand } from './inspect.ts';
import { labelFileCommand } from './label-file.ts';
import { indexCommand } from './make-index.ts';
import { packageVersion } from './package-root.ts';
import { searchCommand } from './search.ts';
import { submitCommand } from './submit.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { workCommand } from './work.ts';

const FAILED = 1;
const MISUSED = 2;

/** @returns 0 when all went well, 1 when the command failed, 2 when it was used wrongly. */
export async function run(args: string[], terminal: Terminal = processTerminal): Promise<number> {
  const program = new Command('vit-webgpu')
    .description('Vision Transformers in the browser: converts checkpoints, looks into them, classifies images.')
    .version(packageVersion())
    .addCommand(convertCommand(terminal))
    .addCommand(fetchCommand(terminal))
    .addCommand(inspectCommand(terminal))
    .addCommand(exportOnnxCommand(terminal))
    .addCommand(classifyCommand(terminal))
    .addCommand(embedCommand(terminal))
    .addCommand(submitCommand(terminal))
    .addCommand(workCommand(terminal))
    .addCommand(evaluateCommand(terminal))
    .addCommand(labelFileCommand(terminal))
    .addCommand(indexCommand(terminal))
    .addCommand(searchCommand(terminal));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.warn(text.trimEnd()),
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
    terminal.progress('');
    terminal.warn(`error: ${messageOf(error)}`);
    return FAILED;
  }
}

/** Failures of ours and of the file system are printed as sentences; anything else is a bug, and its stack shows where. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ViTError) return withFlags(error);
  if ('syscall' in error) return error.message;
  return error.stack ?? error.message;
}
