/**
 * Which pictures there are, in an order that does not change: those of a folder, of a text file with one on each line, or
 * those that are named.
 */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { ViTError } from '../error.ts';
import { isBucketAddress } from './bucket.ts';
import { isPicture, picturesBelow } from './picture-files.ts';

export interface PictureList {
  /** What each is called: an address, or a path from `root`. Each is there once. */
  ids: string[];
  /** A folder, absolute. */
  root: string;
  /** How many were named again. */
  repeated: number;
}

/**
 * @param what one folder, one list (a text file), or pictures: files and addresses
 * @throws ViTError `bad-input` for what is not there, mixtures, and where there is no picture
 */
export async function readPictureList(what: readonly string[]): Promise<PictureList> {
  const [first] = what;
  const list = await (what.length > 1 || isAddress(first) || isPicture(first) ? named(what) : readPlace(first));
  if (list.ids.length === 0) throw new ViTError('bad-input', `There is no picture in ${what.join(', ')}.`);
  const broken = list.ids.find((id) => /[\n\r]/.test(id));
  if (broken) throw new ViTError('bad-input', `${JSON.stringify(broken)} has a line break in its name. Rename it.`);
  return list;
}

/** Where a picture lies: its address, or its path. */
export function locate(root: string, id: string): string {
  return isAddress(id) ? id : resolve(root, id);
}

export function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text) || isBucketAddress(text);
}

/** One on each line. */
export function listText(ids: readonly string[]): string {
  return ids.map((id) => `${id}\n`).join('');
}

export function parseList(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
}

/** SHA-256, hexadecimal. */
export function listHash(ids: readonly string[]): string {
  const hash = createHash('sha256');
  for (const id of ids) hash.update(id).update('\n');
  return hash.digest('hex');
}

async function readPlace(place: string): Promise<PictureList> {
  if (!existsSync(place)) throw new ViTError('bad-input', `There is no folder and no list ${place}.`);
  if (statSync(place).isDirectory()) {
    const root = resolve(place);
    const ids = picturesBelow(root).map((path) => relative(root, path).split(sep).join('/'));
    return { ids, root, repeated: 0 };
  }
  return eachOnce(parseList(await readFile(place, 'utf8')), dirname(resolve(place)));
}

function named(what: readonly string[]): PictureList {
  const other = what.find((name) => !isAddress(name) && !isPicture(name));
  if (other !== undefined) {
    const ways = 'give one folder, one list, or pictures alone';
    throw new ViTError('bad-input', `${other} is no picture by its name, and not alone: ${ways}.`);
  }
  return eachOnce(what, resolve('.'));
}

function eachOnce(all: readonly string[], root: string): PictureList {
  const ids = [...new Set(all)];
  return { ids, root, repeated: all.length - ids.length };
}
