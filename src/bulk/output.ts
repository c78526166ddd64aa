/**
 * The folder of an output: what it is the output of (`job.json`), of which pictures (`pictures.txt`), and its parts. Whoever
 * comes to it later, another process or another machine, goes on with exactly that.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ViTError } from '../error.ts';
import { partsIn, removeAbandoned, writeWhole } from './part-files.ts';
import { listHash, listText, type PictureList, parseList } from './picture-list.ts';
import type { Task } from './schema.ts';

const JOB = 'job.json';
const LIST = 'pictures.txt';
const FORMAT = 'vit-webgpu-output';

/** What is to be computed: what `job.json` says. */
export interface Job {
  task: Task;
  /** Labels per picture; null for vectors. */
  topK: number | null;
  model: ModelFile;
  pictures: {
    /** Of relative names, absolute. */
    root: string;
    count: number;
    /** Of the list: SHA-256, hexadecimal. */
    sha256: string;
  };
  /** Pictures in a part; the last may have fewer. */
  partSize: number;
}

export interface ModelFile {
  /** Of its `model.json`, absolute. */
  path: string;
  name: string;
  /** Of `model.json`, hexadecimal. */
  sha256: string;
  /** SHA-256 of the checkpoint that it was converted from, where that is known. */
  checkpoint?: string;
}

export interface Output {
  /** Absolute. */
  folder: string;
  job: Job;
  ids: string[];
}

export const partCount = ({ job }: Output) => Math.ceil(job.pictures.count / job.partSize);

/** @param part from 0 */
export function idsOf({ ids, job: { partSize } }: Output, part: number): string[] {
  return ids.slice(part * partSize, (part + 1) * partSize);
}

export async function missingParts(output: Output): Promise<number[]> {
  const there = await partsIn(output.folder);
  return Array.from({ length: partCount(output) }, (_, part) => part).filter((part) => !there.has(part));
}

/**
 * A new output, or one that was begun.
 * @param partSize null: that which was begun with, or `defaultPartSize`
 * @throws ViTError `bad-input` for a folder that holds something else, or the output of something else
 */
export async function beginOutput(
  place: string,
  wanted: Pick<Job, 'task' | 'topK' | 'model'> & { partSize: number | null },
  { ids, root }: PictureList,
  defaultPartSize = 1000,
): Promise<Output> {
  const folder = resolve(place);
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw new ViTError('bad-input', `${folder} cannot be a folder: ${(cause as Error).message}.`, { cause });
  });
  const pictures = { root, count: ids.length, sha256: listHash(ids) };
  if (!existsSync(join(folder, JOB))) {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.') && name !== LIST);
    if (names.length > 0)
      throw new ViTError('bad-input', `${folder} holds something else (${names[0]}). Give another folder.`);
    const job: Job = { ...wanted, partSize: wanted.partSize ?? defaultPartSize, pictures };
    await writeWhole(join(folder, LIST), listText(ids));
    // The last of the two: where it is, both are.
    await writeJob(folder, job);
    return { folder, job, ids };
  }
  const begun = await readJob(folder);
  const job: Job = { ...wanted, partSize: wanted.partSize ?? begun.partSize, pictures };
  refuseOther(folder, begun, job);
  await removeAbandoned(folder);
  // What they are has not changed; where they are may have.
  if (begun.model.path !== job.model.path || begun.pictures.root !== root) await writeJob(folder, job);
  return { folder, job, ids };
}

/**
 * One that was begun, with the model and the pictures where they were then.
 * @param known of an earlier time: of the same list, that need not be read again
 * @throws ViTError `bad-input`
 */
export async function openOutput(folder: string, known?: Output): Promise<Output> {
  const job = await readJob(folder);
  if (known?.folder === folder && known.job.pictures.sha256 === job.pictures.sha256) return { ...known, job };
  const list = join(folder, LIST);
  const ids = parseList(await readFile(list, 'utf8').catch(cannotRead(list)));
  if (listHash(ids) !== job.pictures.sha256) throw new ViTError('bad-input', `${list} is not the list of ${JOB}.`);
  return { folder, job, ids };
}

async function writeJob(folder: string, job: Job): Promise<void> {
  await writeWhole(join(folder, JOB), `${JSON.stringify({ format: FORMAT, version: 1, ...job }, null, 2)}\n`);
}

async function readJob(folder: string): Promise<Job> {
  const path = join(folder, JOB);
  const text = await readFile(path, 'utf8').catch(cannotRead(path));
  let file: (Job & { format: string; version: number }) | null;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new ViTError('bad-input', `${path} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const { format, version, ...job } = file ?? ({} as Partial<NonNullable<typeof file>>);
  if (format !== FORMAT || version !== 1)
    throw new ViTError('bad-input', `${path} is not of an output that this version of vit-webgpu knows.`);
  return job as Job;
}

function cannotRead(path: string) {
  return (cause: Error): never => {
    throw new ViTError('bad-input', `${path} cannot be read: ${cause.message}.`, { cause });
  };
}

/** Rows of two models, lists or shapes must not stand beside each other. */
function refuseOther(folder: string, begun: Job, wanted: Job): void {
  const called = ({ name, sha256 }: ModelFile) => `${name} (${sha256.slice(0, 12)})`;
  const listed = ({ count, sha256 }: Job['pictures']) => `${count} pictures (${sha256.slice(0, 12)})`;
  const differences: [unknown, unknown, string][] = [
    [begun.task, wanted.task, `was made by ${begun.task}, not by ${wanted.task}`],
    [begun.model.sha256, wanted.model.sha256, `is of the model ${called(begun.model)}, not of ${called(wanted.model)}`],
    [
      begun.pictures.sha256,
      wanted.pictures.sha256,
      `is of another list: ${listed(begun.pictures)}, not ${listed(wanted.pictures)}; it lies there, as ${LIST}`,
    ],
    [begun.topK, wanted.topK, `has ${begun.topK} labels per picture, not ${wanted.topK}`],
    [begun.partSize, wanted.partSize, `has parts of ${begun.partSize} pictures, not ${wanted.partSize}`],
  ];
  const difference = differences.find(([a, b]) => a !== b);
  if (difference) throw new ViTError('bad-input', `The output in ${folder} ${difference[2]}. Give another folder.`);
}
