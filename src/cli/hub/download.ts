/**
 * Files of a repository to a folder, each under its name only once its hash is verified. What an interrupted download
 * left is used by the next one.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubApiError } from '@huggingface/hub';
import { ViTError } from '../../error.ts';
import { explain, type HubFile, type HubRepository } from './repository.ts';

/** In a row, without a byte between them. */
const MOST_FAILURES = 4;
/** Before the next attempt, doubled each time. */
const FIRST_WAIT_MS = 200;

/**
 * @param folder of this commit
 * @param onProgress told after every piece: bytes that are there
 * @returns the path
 * @throws ViTError `network` when the file cannot be had as a whole; what did arrive is kept for the next time
 */
export async function download(
  repository: HubRepository,
  file: HubFile,
  folder: string,
  onProgress: (bytes: number) => void = () => {},
): Promise<string> {
  const place = join(folder, checkPath(file.path));
  if ((await sizeOf(place)) === file.size) return place;
  const partial = `${place}.partial`;
  await mkdir(dirname(place), { recursive: true });
  if (file.size === 0) await writeFile(partial, '');
  else await fill(repository, file, partial, onProgress);
  await verify(repository, file, partial);
  await rename(partial, place);
  return place;
}

async function fill(
  repository: HubRepository,
  file: HubFile,
  partial: string,
  onProgress: (bytes: number) => void,
): Promise<void> {
  let there = (await sizeOf(partial)) ?? 0;
  if (there > file.size) there = 0;
  let failures = 0;
  while (there < file.size) {
    onProgress(there);
    const before = there;
    try {
      const { start, bytes } = await repository.stream(file, there);
      there = start;
      await append(bytes, partial, start, file, (now) => {
        there = now;
        onProgress(now);
      });
      if (there < file.size) throw new Error('the connection ended early');
    } catch (cause) {
      failures = there > before ? 1 : failures + 1;
      if (!isPassing(cause) || failures === MOST_FAILURES) throw explain(cause, repository.options);
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (failures - 1)));
    }
  }
}

/** Whether trying again may help: the connection failed, not the Hub refused. */
function isPassing(cause: unknown): boolean {
  if (!(cause instanceof ViTError)) return true;
  if (cause.cause instanceof HubApiError) return cause.cause.statusCode >= 500;
  return cause.cause instanceof TypeError;
}

async function append(
  stream: ReadableStream<Uint8Array>,
  partial: string,
  start: number,
  { path, size }: HubFile,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const target = await open(partial, 'a');
  try {
    await target.truncate(start);
    let there = start;
    for await (const chunk of stream) {
      if (there + chunk.length > size) {
        throw new ViTError('network', `${path} has more than the ${size} bytes that the repository lists.`);
      }
      await target.writeFile(chunk);
      there += chunk.length;
      onProgress(there);
    }
  } finally {
    await target.close();
  }
}

async function verify({ url }: HubRepository, { path, size, hash }: HubFile, partial: string): Promise<void> {
  const hasher = createHash(hash.algorithm === 'sha256' ? 'sha256' : 'sha1');
  if (hash.algorithm === 'git-sha1') hasher.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(partial)) hasher.update(chunk);
  const actual = hasher.digest('hex');
  if (actual === hash.hex) return;
  await rm(partial);
  throw new ViTError(
    'network',
    `${path} arrived with the hash ${actual}, but ${url} lists ${hash.hex}. Fetch it again.`,
  );
}

/** A name in a listing is not to be trusted with a path outside of the folder. */
function checkPath(path: string): string {
  const parts = path.split('/');
  if (parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part))) return path;
  throw new ViTError('network', `The repository lists a file ${JSON.stringify(path)}, which is no path within it.`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
