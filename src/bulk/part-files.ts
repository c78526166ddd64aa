/**
 * Parts as files of a folder. Each is there completely or not at all, even if the machine stops at any moment.
 */
import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { decodePart, encodePart } from './parquet.ts';
import type { Part } from './schema.ts';

const NAME = /^part-(\d{5,})\.parquet$/;
const UNFINISHED = /^\.part-\d{5,}\.parquet\..+$/;

/** @param part from 0 */
export function partName(part: number): string {
  return `part-${String(part).padStart(5, '0')}.parquet`;
}

/** Which parts a folder holds. */
export async function partsIn(folder: string): Promise<Set<number>> {
  const names = await readdir(folder);
  return new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number));
}

/** Those of a folder, in the order of the list. */
export async function partPaths(folder: string): Promise<string[]> {
  return [...(await partsIn(folder))].sort((a, b) => a - b).map((part) => join(folder, partName(part)));
}

/** @throws ViTError `bad-input` for what is no part of this library's */
export async function readPart(path: string): Promise<Part> {
  return decodePart(new Uint8Array(await readFile(path)), path);
}

/** How many rows have an error; nothing else of the file is read. */
export async function countErrors(path: string): Promise<number> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), columns: ['error'] });
  return rows.filter(({ error }) => error !== null).length;
}

/** Under another name first, which no other process has; the disk has it all before it gets its own. */
export async function writePart(folder: string, part: Part): Promise<void> {
  await writeWhole(join(folder, partName(part.info.part)), encodePart(part));
}

/** Replaces a file at once, or leaves it as it was. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const unfinished = join(folder, `.${basename(path)}.${randomUUID()}`);
  try {
    const file = await open(unfinished, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** A name is on the disk when its folder is. Windows opens none. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Milliseconds after which nobody writes to a file any more. */
const ABANDONED = 3_600_000;

/** What processes that were killed have left. */
export async function removeAbandoned(folder: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!UNFINISHED.test(name)) continue;
    const path = join(folder, name);
    const written = await stat(path).catch(() => null);
    if (written && now - written.mtimeMs > ABANDONED) await rm(path, { force: true });
  }
}
