/**
 * Files of a repository to a folder, each under its name only once its hash is verified. What an interrupted download
 * left is used by the next one.
 */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ViTError } from '../error.ts';
import { requireHash } from '../hub/check-file.ts';
import { downloadFile } from '../hub/download-file.ts';
import type { HubFile, HubRepository } from '../hub/repository.ts';

/**
 * @param folder of this commit
 * @param onProgress called after every piece: bytes that are there
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
  const there = (await sizeOf(partial)) ?? 0;
  const target = await open(partial, constants.O_RDWR | constants.O_CREAT);
  try {
    const begin = there > file.size ? 0 : there;
    await target.truncate(begin);
    onProgress(begin);
    await downloadFile(repository, file, begin, async (bytes, offset) => {
      await target.write(bytes, 0, bytes.length, offset);
      onProgress(offset + bytes.length);
    });
  } finally {
    await target.close();
  }
}

/** By the machine's own hash, which is many times as fast as one in JavaScript. */
async function verify(repository: HubRepository, file: HubFile, partial: string): Promise<void> {
  const { size, hash } = file;
  const hasher = createHash(hash.algorithm === 'sha256' ? 'sha256' : 'sha1');
  if (hash.algorithm === 'git-sha1') hasher.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(partial)) hasher.update(chunk);
  try {
    requireHash(repository, file, hasher.digest('hex'));
  } catch (error) {
    await rm(partial);
    throw error;
  }
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
