/**
 * `vit-webgpu search`: the pictures of an index that are nearest to a picture, or to words. Computed in this process, on the CPU.
 */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { isPicture } from '../bulk/picture-files.ts';
import { ViTError } from '../error.ts';
import type { ViT } from '../index.ts';
import type { Match, SearchIndex } from '../search/index.ts';
import { importBuilt } from './command-files.ts';
import { asOurs } from './engine.ts';
import { manifestFile } from './engine-page.ts';
import { sha256OfFile } from './file-source.ts';
import { parseCount } from './flags.ts';
import { count, formatBytes, type Terminal } from './terminal.ts';

interface Flags {
  index: string;
  model?: string;
  topK: number;
  words: boolean;
  json: boolean;
}

export function searchCommand(terminal: Terminal): Command {
  return new Command('search')
    .description('find the pictures of an index that are nearest to a picture or to words')
    .argument('<query>', 'a picture, as a file or an address; or words, of a model with a text tower')
    .requiredOption('--index <dir>', 'what `index` wrote, as a folder or an address')
    .option('--model <dir>', 'the model whose embeddings it holds (default: the one of this package)')
    .option('--top-k <n>', 'how many pictures', parseCount, 10)
    .option('--words', 'the query is words, whatever it looks like', false)
    .option('--json', 'print JSON', false)
    .action((query: string, flags: Flags) => search(query, flags, terminal));
}

async function search(query: string, { index, model, topK, words, json }: Flags, terminal: Terminal): Promise<void> {
  const isWords = words || !isOfPicture(query);
  const manifest = manifestFile(model);
  const { loadViT }: typeof import('../node/index.ts') = await importBuilt('node', 'index.js');
  const { openIndex }: typeof import('../search/index.ts') = await importBuilt('search', 'search.js');
  const vit = await loadViT(manifest, { backend: 'cpu' }).catch(asOurs);
  let opened: SearchIndex | undefined;
  try {
    const { name, source } = vit.info;
    opened = await openIndex(indexAddress(index), {
      model: { name, source, manifest: await sha256OfFile(manifest) },
      onProgress: ({ loaded, total }) => terminal.progress(`${formatBytes(loaded)} of ${formatBytes(total)}`),
    }).catch(asOurs);
    const vector = await embed(vit, query, isWords).catch(asOurs);
    await opened.load().catch(asOurs);
    terminal.progress('');
    const start = performance.now();
    const matches = await opened.search(vector, { k: topK }).catch(asOurs);
    const milliseconds = performance.now() - start;
    if (json) terminal.print(JSON.stringify({ query, model: name, rows: opened.rows, milliseconds, matches }, null, 2));
    else printMatches(matches, opened, milliseconds, terminal);
  } finally {
    opened?.dispose();
    vit.dispose();
  }
}

function embed(vit: ViT, query: string, isWords: boolean): Promise<Float32Array> {
  if (!isWords) return vit.embed(query);
  if (!vit.info.architecture.text) {
    const way = existsSync(query) ? 'Leave out --words.' : 'Give a picture, or a CLIP or SigLIP as --model.';
    throw new ViTError('bad-input', `There is no file ${query}, and ${vit.info.name} knows no words. ${way}`);
  }
  return vit.embedText(query);
}

/** @throws ViTError `bad-input` for the name of a picture that is not there */
function isOfPicture(query: string): boolean {
  if (/^(https?|file):/.test(query) || existsSync(query)) return true;
  if (!isPicture(query)) return false;
  throw new ViTError('bad-input', `There is no file ${query}. If these are words, give --words.`);
}

/** @throws ViTError `bad-input` for a folder of embeddings */
function indexAddress(index: string): string {
  if (/^(https?|file):/.test(index)) return index;
  const path = resolve(index);
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (isFolder && !existsSync(resolve(path, 'index.json')) && existsSync(resolve(path, 'part-00000.parquet'))) {
    throw new ViTError('bad-input', `${index} holds embeddings, and no index yet: vit-webgpu index ${index} --out DIR`);
  }
  return pathToFileURL(path).href;
}

function printMatches(matches: Match[], { rows }: SearchIndex, milliseconds: number, terminal: Terminal): void {
  for (const { id, score } of matches) terminal.print(`${score.toFixed(4).padStart(7)}  ${id}`);
  terminal.print(`${count(rows, 'vector')} searched in ${milliseconds.toFixed(1)} ms`);
}
