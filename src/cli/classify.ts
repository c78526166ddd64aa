/**
 * `vit-webgpu classify`: what is in pictures, computed by the library itself in a headless Chrome.
 */
import { Command, Option } from 'commander';
import type { ViTError } from '../error.ts';
import type { BackendName, Classification, ModelInfo, Timing } from '../index.ts';
import { errorOfPage, manifestFile, type PageError, type Reach, withEnginePage } from './engine-page.ts';
import { parseCount } from './flags.ts';
import type { Terminal } from './terminal.ts';

interface Flags {
  model?: string;
  json: boolean;
  topK: number;
  backend: 'auto' | BackendName;
}

export function classifyCommand(terminal: Terminal): Command {
  return new Command('classify')
    .description('say what is in pictures')
    .argument('<image...>', 'PNG, JPEG, WebP or whatever else Chrome reads')
    .option('--model <dir>', 'a converted model (default: the one of this package)')
    .option('--top-k <n>', 'how many labels per picture', parseCount, 5)
    .addOption(new Option('--backend <name>', 'where to compute').choices(['auto', 'webgpu', 'cpu']).default('auto'))
    .option('--json', 'print JSON', false)
    .action((images: string[], flags: Flags) => classify(images, flags, terminal));
}

/** What the page gives back. */
interface Report {
  info: ModelInfo;
  /** Milliseconds. */
  load: number;
  images: { labels: Classification[]; timing: Timing | null }[];
}

async function classify(images: string[], { model, json, topK, backend }: Flags, terminal: Terminal): Promise<void> {
  const manifest = manifestFile(model);
  const outcome = await withEnginePage(manifest, images, (page, reach) =>
    page.evaluate(classifyInPage, { ...reach, topK, backend }),
  );
  if ('error' in outcome) {
    const { error } = outcome;
    throw errorOfPage(error, error.image === undefined ? undefined : images[error.image]);
  }
  if (json) terminal.print(JSON.stringify(toJson(outcome, images), null, 2));
  else printReport(outcome, images, terminal);
}

interface PageRequest extends Reach {
  topK: number;
  backend: 'auto' | BackendName;
}

interface ImageError extends PageError {
  /** Of the picture that failed. */
  image?: number;
}

/** Runs in the page, so it may use nothing of this file. */
async function classifyInPage({ model, images, topK, backend }: PageRequest): Promise<Report | { error: ImageError }> {
  let image: number | undefined;
  try {
    // In a variable, so that no bundler looks for it.
    const library = '/lib/index.js';
    const { loadViT }: typeof import('../index.ts') = await import(/* @vite-ignore */ library);
    const start = performance.now();
    const vit = await loadViT(model, { backend });
    const report: Report = { info: vit.info, load: performance.now() - start, images: [] };
    for (image = 0; image < images.length; image++) {
      report.images.push({ labels: await vit.classify(images[image], { topK }), timing: vit.lastTiming });
    }
    vit.dispose();
    return report;
  } catch (error) {
    const { code, message } = error as ViTError;
    return { error: { code, message, image } };
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
    images: images.map(({ labels, timing }, index) => ({ file: files[index], labels, timing })),
  };
}

function printReport({ info, load, images }: Report, files: string[], terminal: Terminal): void {
  for (const [index, { labels, timing }] of images.entries()) {
    terminal.print(files[index]);
    for (const { label, score } of labels) terminal.print(`${(100 * score).toFixed(2).padStart(8)} %  ${label}`);
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
