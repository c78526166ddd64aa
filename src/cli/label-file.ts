/**
 * `vit-webgpu label-file`: words to embeddings, once, so that pages tell pictures apart by them without a text tower. Computed by
 * the library itself in a headless Chrome.
 */
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { parseLabels } from '../convert/parse-labels.ts';
import { ViTError } from '../error.ts';
import type { BackendName } from '../index.ts';
import { encodeEmbeddings, LABEL_FORMAT, type LabelFile } from '../text/label-file.ts';
import { fill, type Prompted, promptsFor } from '../text/prompts.ts';
import { TEMPLATES } from '../text/templates.ts';
import type { Manifest } from '../weights/manifest.ts';
import { parseManifest } from '../weights/parse-manifest.ts';
import { sha256 } from '../weights/verify.ts';
import { readJson, readText } from './command-files.ts';
import { errorOfPage, manifestFile, type PageError, withEnginePage } from './engine-page.ts';
import { count, formatBytes, type Terminal } from './terminal.ts';

interface Flags {
  model: string;
  labels: string;
  templates?: string;
  out: string;
  backend: 'auto' | BackendName;
}

export function labelFileCommand(terminal: Terminal): Command {
  return new Command('label-file')
    .description('embed words once, for pages that classify by them without the text tower')
    .requiredOption('--model <dir>', 'a converted model with a text tower and its tokenizer')
    .requiredOption('--labels <file>', 'one label per line, or JSON')
    .option('--templates <set>', "openai, simple, or a file with a template per line (default: the model's own)")
    .requiredOption('--out <file>', 'the label file to write')
    .addOption(new Option('--backend <name>', 'where to compute').choices(['auto', 'webgpu', 'cpu']).default('auto'))
    .action((flags: Flags) => writeLabelFile(flags, terminal));
}

async function writeLabelFile({ model, labels, templates, out, backend }: Flags, terminal: Terminal): Promise<void> {
  const path = manifestFile(model);
  const manifest = parseManifest(await readJson(path), path);
  const { text } = manifest.architecture;
  if (!text) throw new ViTError('bad-input', `${manifest.name} has no text tower: it knows no words.`);
  const texts = await templatesOf(templates, manifest);
  const prompted = promptsOf(parseLabels(await readText(labels), labels), texts);
  const file = await withEnginePage(path, [], async (page, reach) => {
    const loaded = await page.evaluate(loadInPage, { ...reach, backend });
    if (loaded) throw errorOfPage(loaded);
    const rows: Float32Array<ArrayBuffer>[] = [];
    for (const [index, { label, prompts }] of prompted.entries()) {
      terminal.progress(`embedding ${index + 1} of ${prompted.length}: ${label}`);
      const answer = await page.evaluate(embedInPage, prompts);
      if ('error' in answer) throw errorOfPage(answer.error);
      rows.push(Float32Array.from(answer.mean));
    }
    terminal.progress('');
    return labelFileOf(manifest, prompted, rows);
  });
  const json = `${JSON.stringify(file)}\n`;
  await writeFile(out, json);
  const from = `${count(prompted.length, 'label')} in ${count(texts.length, 'template')}`;
  terminal.print(`${out}: ${from}, ${formatBytes(json.length)}`);
}

async function templatesOf(given: string | undefined, { name, words }: Manifest): Promise<readonly string[]> {
  if (!words) {
    throw new ViTError('bad-input', `${name} has no tokenizer: convert it again with its tokenizer.json beside it.`);
  }
  if (given === undefined) return [words.template];
  if (Object.hasOwn(TEMPLATES, given)) return TEMPLATES[given as keyof typeof TEMPLATES];
  const templates = parseLabels(await readText(given), given);
  const wrong = templates.find((template) => !template.includes('{}'));
  if (wrong === undefined) return templates;
  throw new ViTError('bad-input', `${given}: the template ${JSON.stringify(wrong)} has no {}, a label's place.`);
}

function promptsOf(labels: readonly string[], templates: readonly string[]): Prompted[] {
  return promptsFor(
    labels.map((label) => ({ label, prompts: templates.map((template) => fill(template, label)) })),
    '{}',
  );
}

/** @param rows one for each label, of any length */
export async function labelFileOf(
  { name, source, architecture }: Manifest,
  prompted: readonly Prompted[],
  rows: readonly Float32Array<ArrayBuffer>[],
): Promise<LabelFile> {
  const { logitScale, logitBias } = architecture.text!;
  const prompts = prompted.map(({ prompts }) => prompts);
  return {
    format: LABEL_FORMAT,
    version: 1,
    model: { name, ...(source.sha256 !== undefined && { sha256: source.sha256 }) },
    width: rows[0].length,
    logitScale,
    ...(logitBias !== undefined && { logitBias }),
    labels: prompted.map(({ label }) => label),
    prompts: await sha256(new TextEncoder().encode(JSON.stringify(prompts))),
    embeddings: encodeEmbeddings(rows),
  };
}

/** The model, in the page, between the calls. */
interface Page {
  vit?: import('../index.ts').ViT;
}

/** Runs in the page, so it may use nothing of this file. */
async function loadInPage({ model, backend }: { model: string; backend: Flags['backend'] }): Promise<PageError | null> {
  try {
    // In a variable, so that no bundler looks for it.
    const library = '/lib/index.js';
    const { loadViT }: typeof import('../index.ts') = await import(/* @vite-ignore */ library);
    (globalThis as Page).vit = await loadViT(model, { backend });
    return null;
  } catch (error) {
    const { code, message } = error as ViTError;
    return { code, message };
  }
}

/** Runs in the page. The mean of the directions of a label's texts, as open_clip has it. */
async function embedInPage(prompts: string[]): Promise<{ mean: number[] } | { error: PageError }> {
  try {
    const rows = await (globalThis as Page).vit!.embedText(prompts, { normalize: true });
    return { mean: Array.from(rows[0], (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length) };
  } catch (error) {
    const { code, message } = error as ViTError;
    return { error: { code, message } };
  }
}
