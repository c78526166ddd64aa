/**
 * `vit-webgpu work`: computes what `submit` has put into the queue, on as many machines as there are.
 */
import { Command } from 'commander';
import type { Output } from '../bulk/output.ts';
import { connect } from '../bulk/queue/connect.ts';
import { type WrittenPart, work } from '../bulk/queue/work.ts';
import { ViTError } from '../error.ts';
import { bulkBackendOption, type ComputeFlags, modelFile, threadsOption } from './bulk-flags.ts';
import { parseCount } from './flags.ts';
import { count, type Terminal } from './terminal.ts';
import { type OpenComputer, openComputer } from './with-computer.ts';

interface Flags extends ComputeFlags {
  queue: string;
  /** Seconds, both. */
  grace: number;
  stalledAfter: number;
}

/** Exit code of who is stopped by a second signal. */
const INTERRUPTED = 130;

export function workCommand(terminal: Terminal): Command {
  return new Command('work')
    .description('compute what submit has put into a queue, until it is stopped (SIGTERM, Ctrl+C)')
    .requiredOption('--queue <url>', 'of Redis, such as redis://localhost:6379')
    .addOption(bulkBackendOption())
    .addOption(threadsOption())
    .option('--grace <seconds>', 'to finish a part in when stopped; then it goes back', parseCount, 20)
    .option('--stalled-after <seconds>', 'after which the part of a dead worker is taken by another', parseCount, 30)
    .action((flags: Flags) => runWorker(flags, terminal));
}

async function runWorker({ queue, grace, stalledAfter, ...compute }: Flags, terminal: Terminal): Promise<void> {
  const onTrouble = (message: string) => terminal.warn(message);
  const connection = await connect(queue, onTrouble);
  const computers = keptComputer(compute, terminal);
  const [signal, ignoreSignals] = stopSignal(terminal);
  try {
    terminal.print(`Works for the queue at ${connection.place}.`);
    await work(connection, {
      grace: grace * 1000,
      stalledAfter: stalledAfter * 1000,
      open: computers.of,
      onPart: (part) => sayPart(part, terminal),
      onTrouble,
      signal,
    });
  } finally {
    ignoreSignals();
    computers.close();
    connection.close();
  }
}

/** One model at a time: that of the part which came last. */
function keptComputer(flags: ComputeFlags, terminal: Terminal) {
  let kept: (OpenComputer & { key: string }) | undefined;
  const close = () => {
    kept?.close();
    kept = undefined;
  };
  return {
    close,
    async of({ job: { task, topK, model } }: Output) {
      const key = JSON.stringify([task, topK, model]);
      if (kept?.key === key) return kept.computer;
      close();
      const here = await modelFile(model.path);
      if (here.sha256 !== model.sha256)
        throw new ViTError('bad-input', `${model.path} is another model here than where the work was submitted.`);
      kept = { ...(await openComputer({ task, topK, model }, flags, terminal)), key };
      return kept.computer;
    },
  };
}

/** The first signal asks for an end, the second makes one: what is lost is done again by another. */
function stopSignal(terminal: Terminal): [signal: AbortSignal, ignore: () => void] {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    terminal.print('Asked to stop: finishes its part.');
    stop.abort();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, onSignal);
  return [
    stop.signal,
    () => {
      for (const name of signals) process.off(name, onSignal);
    },
  ];
}

function sayPart({ folder, part, pictures, bad, elapsed }: WrittenPart, terminal: Terminal): void {
  const [seconds, rate] = [elapsed / 1000, (pictures / elapsed) * 1000].map((value) => value.toFixed(1));
  const errors = bad > 0 ? `; ${bad} could not be read` : '';
  terminal.print(`${folder}, part ${part}: ${count(pictures, 'picture')} in ${seconds} s, ${rate}/s${errors}`);
}
