/**
 * Which files of a folder are pictures.
 */
import { readdirSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

const KINDS = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.bmp'];

/** By its name, or that at the end of its path. */
export function isPicture(path: string): boolean {
  return KINDS.includes(extname(path).toLowerCase()) && !basename(path).startsWith('.');
}

/** Paths of every picture below a folder, sorted. */
export function picturesBelow(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && isPicture(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
