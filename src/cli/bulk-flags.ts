/**
 * What commands for many pictures take: which pictures, by which model, to where, computed on what.
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { beginOutput, type ModelFile, type Output } from '../bulk/output.ts';
import { type PictureList, readPictureList } from '../bulk/picture-list.ts';
import type { Task } from '../bulk/schema.ts';
import { ViTError } from '../error.ts';
import type { BackendName } from '../index.ts';
import { readJson } from './command-files.ts';
import { manifestFile } from './engine-page.ts';
import { sha256OfFile } from './file-source.ts';
import { parseCount } from './flags.ts';
import { count, type Terminal } from './terminal.ts';

/** Threads have a copy of the model each. */
const MOST_THREADS = 8;

export interface OutputFlags {
  images?: string;
  model?: string;
  out: string;
  partSize?: number;
}

export interface ComputeFlags {
  backend: BackendName;
  threads: number;
}

export const PICTURES = 'a folder, a text file with a path or an address on each line, or pictures';

export function withOutputFlags(command: Command): Command {
  return command
    .option('--images <what>', PICTURES)
    .option('--model <dir>', 'a converted model (default: the one of this package)')
    .option('--part-size <n>', 'pictures in a file of the output (default: 1000)', parseCount);
}

export function threadsOption(): Option {
  return new Option('--threads <n>', 'of the CPU, each with a copy of the model')
    .argParser(parseCount)
    .default(Math.min(availableParallelism(), MOST_THREADS));
}

export function bulkBackendOption(): Option {
  const what = 'where to compute; webgpu needs the package webgpu (npm install webgpu) and a driver';
  return new Option('--backend <name>', what).choices(['cpu', 'webgpu']).default('cpu');
}

/** @param pictures named one by one, instead of by `--images` */
export async function outputOf(
  { task, topK }: { task: Task; topK: number | null },
  pictures: string[],
  { images, model, out, partSize }: OutputFlags,
  terminal: Terminal,
): Promise<Output> {
  if ((images === undefined) === (pictures.length === 0))
    throw new ViTError('bad-input', `Which pictures? Give --images, ${PICTURES}; or pictures alone, but not both.`);
  const wanted = { task, topK, model: await modelFile(model), partSize: partSize ?? null };
  const list = await readPictureList(images === undefined ? pictures : [images]);
  sayRepeated(list, terminal);
  return beginOutput(out, wanted, list);
}

function sayRepeated({ repeated }: PictureList, terminal: Terminal): void {
  if (repeated > 0)
    terminal.warn(
      `${count(repeated, 'picture')} of the list ${repeated === 1 ? 'is' : 'are'} named again: each is taken once.`,
    );
}

/** @param model a folder or a `model.json`; undefined: that of this package */
export async function modelFile(model?: string): Promise<ModelFile> {
  const path = resolve(manifestFile(model));
  const { name, source } = (await readJson(path)) as { name?: unknown; source?: { sha256?: unknown } };
  const checkpoint = String(source?.sha256);
  return {
    path,
    name: String(name),
    sha256: await sha256OfFile(path),
    ...(/^[0-9a-f]{64}$/.test(checkpoint) && { checkpoint }),
  };
}
