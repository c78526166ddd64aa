/**
 * `vit-webgpu evaluate`: how good a model is on images sorted by class, computed by the library itself.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ViTError } from '../error.ts';
import type { BackendName, Classification, LoadOptions, ModelInfo } from '../index.ts';
import { type Crop, FILTERS, type Filter, type Preprocess, type Resize } from '../model/preprocess.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { readJson } from './command-files.ts';
import { bestOf, type Comparison, compare } from './compare-answers.ts';
import { drawConfusion } from './confusion-chart.ts';
import { type Engine, withEngine } from './engine.ts';
import { errorOfPage, manifestFile, type PageError } from './engine-page.ts';
import {
  type Answer,
  type Evaluation,
  evaluate,
  type ThresholdFigures,
  thresholds,
  thresholdThatKeeps,
} from './evaluation.ts';
import { orNull, parseCount, parseCrop, parseNumber, parseResize } from './flags.ts';
import { imagesBelow, type SortedImage, sortedImages } from './sorted-images.ts';
import { count, type Terminal, table } from './terminal.ts';

interface Flags {
  model?: string;
  images: string;
  unknown?: string;
  beside?: string;
  keep: number;
  out?: string;
  limit?: number;
  batch: number;
  backend: 'auto' | BackendName;
  dtype: NonNullable<LoadOptions['dtype']>;
  resize?: Resize | 'none';
  crop?: Crop | 'none';
  filter?: Filter;
}

export function evaluateCommand(terminal: Terminal): Command {
  return new Command('evaluate')
    .description('measure how good a model is on images sorted by class')
    .requiredOption('--images <dir>', 'one folder per class, named as the label')
    .option('--model <dir>', 'a converted model (default: the one of this package)')
    .option('--unknown <dir>', "images that show none of the labels: finds the threshold for 'not sure'")
    .option('--beside <dir>', 'another model, such as the same in f32: what this one loses against it')
    .option('--keep <share>', 'of the right answers, that the threshold must keep', parseNumber, 0.8)
    .option('--out <dir>', 'writes report.json and confusion.svg there')
    .option('--limit <n>', 'images per class, the first by name', parseCount)
    .option('--batch <n>', 'images that are handed over at once', parseCount, 50)
    .addOption(
      new Option('--backend <name>', 'where to compute; cpu needs no browser')
        .choices(['auto', 'webgpu', 'cpu'])
        .default('auto'),
    )
    .addOption(new Option('--dtype <dtype>', 'of the arithmetic').choices(['auto', 'f32', 'f16']).default('auto'))
    .option('--resize <how>', "instead of the model's own, as in convert", parseResize)
    .option('--crop <how>', "instead of the model's own, as in convert", parseCrop)
    .addOption(new Option('--filter <filter>', "instead of the model's own").choices(FILTERS))
    .action((flags: Flags) => evaluateModel(flags, terminal));
}

interface Report extends Evaluation {
  model: string;
  preprocess: Preprocess;
  backend: BackendName;
  adapter: ModelInfo['adapter'];
  /** Of the arithmetic. */
  dtype: ModelInfo['dtype'];
  /** Of loading and answering. */
  seconds: number;
  /** The other model's name, and both on all images that could be read. */
  beside?: Comparison & { model: string };
  unknown?: { images: number; chosen: ThresholdFigures; thresholds: ThresholdFigures[] };
}

async function evaluateModel(flags: Flags, terminal: Terminal): Promise<void> {
  const { images: root, limit, unknown: unknownRoot, keep, out } = flags;
  const file = manifestFile(flags.model);
  const { labels, preprocess: own, problemType } = parseManifest(await readJson(file), file);
  if (labels.length === 0) throw new ViTError('bad-input', `${file}: the model has no labels, only features.`);
  if (problemType === 'regression') throw new ViTError('bad-input', `${file}: the model gives numbers, not labels.`);
  const preprocess = preprocessOf(own, flags);
  const sorted = sortedImages(root, labels, limit);
  const strangers = unknownRoot === undefined ? [] : imagesBelow(unknownRoot);

  const start = performance.now();
  // Logits hold everything that scores do: who compares them needs no second run.
  const raw = flags.beside !== undefined;
  const asked = { ...flags, preprocess, terminal, raw };
  const { info, ranked: given } = await answer(file, [...sorted.map(({ file }) => file), ...strangers], sorted, asked);
  const ranked = raw ? given.map((logits) => logits && bestOf(logits, info)) : given;
  const answers: Answer[] = sorted.flatMap(({ truth }, i) => {
    const best = ranked[i];
    return best ? [{ truth, ranked: best }] : [];
  });
  const failed = ranked.filter((best) => best === null).length;
  const failure = new ViTError('bad-image', `${failed} of ${count(ranked.length, 'picture')} could not be read.`);
  if (answers.length === 0) throw failure;
  const strangersRanked = ranked.slice(sorted.length).filter((best) => best !== null);
  const report: Report = {
    model: info.name,
    preprocess,
    backend: info.backend,
    adapter: info.adapter,
    dtype: info.dtype,
    seconds: Math.round((performance.now() - start) / 100) / 10,
    ...evaluate(answers, labels),
  };
  if (strangersRanked.length > 0) {
    const figures = thresholds(
      answers,
      strangersRanked.map(([{ score }]) => score),
    );
    report.unknown = { images: strangersRanked.length, chosen: thresholdThatKeeps(keep, figures), thresholds: figures };
  }
  if (flags.beside !== undefined) report.beside = await besideOther(given, info, flags.beside, sorted, flags, terminal);
  printReport(report, terminal);
  if (out !== undefined) {
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(join(out, 'confusion.svg'), drawConfusion(report, report.model));
  }
  if (failed > 0) throw failure;
}

/**
 * @param ones logits of the model `info` is of, of all that is sorted
 * @throws ViTError `bad-input` for a model of other labels
 */
async function besideOther(
  ones: (Classification[] | null)[],
  info: ModelInfo,
  folder: string,
  sorted: SortedImage[],
  flags: Flags,
  terminal: Terminal,
): Promise<Comparison & { model: string }> {
  const file = manifestFile(folder);
  const { name, labels, preprocess: own } = parseManifest(await readJson(file), file);
  if (String(labels) !== String(info.labels)) {
    throw new ViTError(
      'bad-input',
      `${file}: its labels are not those of ${info.name}, so the two cannot be compared.`,
    );
  }
  const images = sorted.map(({ file }) => file);
  const asked = { ...flags, preprocess: preprocessOf(own, flags), terminal, raw: true };
  const { ranked } = await answer(file, images, sorted, asked);
  const truths = sorted.map(({ truth }) => truth);
  return { model: name, ...compare(ones, ranked, truths) };
}

/** A model's own, but for what flags say. */
function preprocessOf(own: Preprocess, { resize, crop, filter }: Flags): Preprocess {
  return { ...own, ...given({ resize: orNull(resize), crop: orNull(crop), filter }) };
}

/** Without what is absent; `null` is something. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** The five best labels of every image, or the logits of all; `null` of those that cannot be read, which is reported. */
async function answer(
  manifest: string,
  files: string[],
  sorted: SortedImage[],
  {
    batch,
    backend,
    dtype,
    preprocess,
    terminal,
    raw = false,
  }: Pick<Flags, 'batch' | 'backend' | 'dtype'> & { preprocess: Preprocess; terminal: Terminal; raw?: boolean },
): Promise<{ info: ModelInfo; ranked: (Classification[] | null)[] }> {
  terminal.progress('loading the model');
  return withEngine(manifest, files, { backend, dtype, preprocess }, async (engine) => {
    const ranked: (Classification[] | null)[] = [];
    const start = performance.now();
    let right = 0;
    while (ranked.length < files.length) {
      const first = ranked.length;
      ranked.push(...(await answerBatch(engine, files.slice(first, first + batch), terminal, raw)));
      for (let i = first; i < Math.min(ranked.length, sorted.length); i++) {
        if (ranked[i]?.[0].index === sorted[i].truth) right++;
      }
      const known = Math.min(ranked.length, sorted.length);
      const left = ((performance.now() - start) / 1000) * (files.length / ranked.length - 1);
      terminal.progress(
        `${bar(ranked.length / files.length)} ${ranked.length} of ${files.length}, ` +
          `${((100 * right) / known).toFixed(1)} % right, ${Math.ceil(left)} s left`,
      );
    }
    terminal.progress('');
    return { info: engine.info, ranked };
  });
}

/** @throws what is not the fault of a picture */
async function answerBatch(
  { info, classify }: Engine,
  files: string[],
  terminal: Terminal,
  raw: boolean,
): Promise<(Classification[] | null)[]> {
  const options = raw ? ({ topK: info.labels.length, activation: 'none' } as const) : { topK: 5 };
  try {
    return (await classify(files, options)).labels;
  } catch {
    // One of them is to blame: which one, each by itself shows.
  }
  const ranked: (Classification[] | null)[] = [];
  for (const file of files) {
    try {
      ranked.push((await classify([file], options)).labels[0]);
    } catch (error) {
      const named = errorOfPage(error as PageError, file);
      if ((error as ViTError).code !== 'bad-image') throw named;
      terminal.progress('');
      terminal.warn(named.message);
      ranked.push(null);
    }
  }
  return ranked;
}

function printReport(report: Report, terminal: Terminal): void {
  const { model, backend, adapter, images, seconds, top1, top5, calibrationError, perClass, beside, unknown } = report;
  const rows = [['label', 'images', 'recall', 'precision']];
  for (const { label, images, recall, precision } of perClass) {
    if (images > 0) rows.push([label, String(images), percent(recall), percent(precision)]);
  }
  for (const line of table(rows)) terminal.print(line);
  terminal.print('');
  const on = adapter ? ` on ${[adapter.vendor, adapter.architecture].filter(Boolean).join(' ')}` : '';
  terminal.print(`${model}, ${backend}${on}: ${images} images in ${seconds} s`);
  terminal.print(
    `top-1 ${percent(top1)}, top-5 ${percent(top5)}, expected calibration error ${calibrationError.toFixed(4)}`,
  );
  if (beside) {
    const [own, other] = beside.top1;
    terminal.print(
      `beside ${beside.model}: top-1 ${percent(own)} and ${percent(other)}, best labels agree ${percent(beside.agreement)}, ` +
        `logits differ by at most ${beside.largestDifference.toFixed(4)}`,
    );
  }
  if (unknown) {
    const { threshold, kept, refused } = unknown.chosen;
    terminal.print(
      `'not sure' below ${threshold}: keeps ${percent(kept)} of the right answers, refuses ${percent(refused)} of ` +
        `${unknown.images} images of nothing it knows`,
    );
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function bar(done: number): string {
  const filled = Math.round(24 * done);
  return `[${'#'.repeat(filled)}${'.'.repeat(24 - filled)}]`;
}
