/**
 * `vit-webgpu classify`: what is in pictures, computed by the library itself.
 */
import { Command, Option } from 'commander';
import { ViTError } from '../error.ts';
import type { BackendName, Classification, ModelInfo, Timing } from '../index.ts';
import { type OutputFlags, outputOf, PICTURES, threadsOption } from './bulk-flags.ts';
import { requireFile } from './command-files.ts';
import { type Engine, withEngine } from './engine.ts';
import { errorOfPage, manifestFile, type PageError } from './engine-page.ts';
import { parseCount } from './flags.ts';
import { runOutput } from './run-output.ts';
import { count, type Terminal } from './terminal.ts';

interface Flags extends Partial<OutputFlags> {
  json: boolean;
  topK: number;
  backend: 'auto' | BackendName;
  threads: number;
}

export function classifyCommand(terminal: Terminal): Command {
  return new Command('classify')
    .description('say what is in pictures; with --out of many, as Parquet files')
    .argument('[image...]', 'PNG, JPEG, WebP or whatever else Chrome (with --backend cpu: sharp) reads')
    .option('--model <dir>', 'a converted model (default: the one of this package)')
    .option('--top-k <n>', 'how many labels per picture', parseCount, 5)
    .addOption(
      new Option('--backend <name>', 'where to compute; cpu needs no browser, nor does --out, where auto is cpu')
        .choices(['auto', 'webgpu', 'cpu'])
        .default('auto'),
    )
    .option('--json', 'print JSON', false)
    .option('--out <folder>', 'where Parquet files go, and what is there of them already')
    .option('--images <what>', `with --out: ${PICTURES}`)
    .option('--part-size <n>', 'with --out: pictures in a file (default: 1000)', parseCount)
    .addOption(threadsOption())
    .action(async (images: string[], flags: Flags, command: Command) => {
      const { out, topK, backend } = flags;
      if (out !== undefined) {
        const output = await outputOf({ task: 'classify', topK }, images, { ...flags, out }, terminal);
        await runOutput(output, { ...flags, backend: backend === 'auto' ? 'cpu' : backend }, terminal);
        return;
      }
      const lonely = flags.images === undefined ? flags.partSize && '--part-size' : '--images';
      if (lonely) command.error(`error: ${lonely} needs --out`);
      if (images.length === 0) command.error("error: missing required argument 'image'");
      await classify(images, flags, terminal);
    });
}

interface Report {
  info: ModelInfo;
  /** Milliseconds. */
  load: number;
  images: (Answer | { error: PageError })[];
}

interface Answer {
  labels: Classification[];
  /** Left out where that was not measured. */
  sure?: boolean;
  timing: Timing | null;
}

async function classify(images: string[], { model, json, topK, backend }: Flags, terminal: Terminal): Promise<void> {
  const manifest = manifestFile(model);
  const missing = images.map((file) => missingFile(file));
  const present = images.filter((_, i) => missing[i] === undefined);
  const outcome = await withEngine(manifest, present, { backend }, (engine) => answerAll(engine, present, topK));
  const answers = outcome.images.values();
  const report = { ...outcome, images: missing.map((error) => (error ? { error } : answers.next().value!)) };
  if (json) terminal.print(JSON.stringify(toJson(report, images), null, 2));
  else printReport(report, images, terminal);
  const failed = report.images.filter((answer) => 'error' in answer).length;
  if (failed > 0)
    throw new ViTError('bad-image', `${failed} of ${count(images.length, 'picture')} could not be classified.`);
}

async function answerAll({ info, load, classify }: Engine, files: string[], topK: number): Promise<Report> {
  const images: Report['images'] = [];
  for (const file of files) {
    try {
      const { labels, sure, timing } = await classify([file], { topK });
      images.push({ labels: labels[0], sure: sure[0], timing });
    } catch (error) {
      const { code, message } = error as ViTError;
      images.push({ error: { code, message } });
    }
  }
  return { info, load, images };
}

/** A file that is not there is no reason to leave the others without an answer. */
function missingFile(file: string): PageError | undefined {
  try {
    requireFile(file);
    return undefined;
  } catch (error) {
    const { code, message } = error as ViTError;
    return { code, message };
  }
}

function toJson({ info, load, images }: Report, files: string[]): object {
  const { name, backend, adapter, fallbackReason } = info;
  return {
    model: name,
    backend,
    adapter,
    fallbackReason,
    load,
    images: images.map((answer, index) => ({ file: files[index], ...answer })),
  };
}

function printReport({ info, load, images }: Report, files: string[], terminal: Terminal): void {
  const scoreText = (score: number) =>
    info.problemType === 'regression' ? score.toFixed(4).padStart(10) : `${(100 * score).toFixed(2).padStart(8)} %`;
  for (const [index, answer] of images.entries()) {
    if ('error' in answer) {
      terminal.warn(errorOfPage(answer.error, files[index]).message);
      continue;
    }
    const { labels, sure, timing } = answer;
    terminal.print(sure === false ? `${files[index]}: not sure` : files[index]);
    for (const { label, score } of labels) terminal.print(`${scoreText(score)}  ${label}`);
    if (timing) {
      const { decode, preprocess, run } = timing;
      terminal.print(`  decode ${ms(decode)}, preprocess ${ms(preprocess)}, run ${ms(run)}`);
    }
  }
  const { name, backend, adapter, fallbackReason } = info;
  const on = adapter ? ` on ${[adapter.vendor, adapter.architecture].filter(Boolean).join(' ')}` : '';
  terminal.print(`${name}, loaded in ${ms(load)}; ${backend}${on}${adapter?.software ? ' (no GPU)' : ''}`);
  if (fallbackReason) terminal.warn(fallbackReason);
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}
