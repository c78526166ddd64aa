/**
 * Which files of a folder are pictures.
 */
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

const KINDS = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.bmp'];

/** By its name. */
export function isPicture(name: string): boolean {
  return KINDS.includes(extname(name).toLowerCase()) && !name.startsWith('.');
}

/** Paths of every picture below a folder, sorted. */
export function picturesBelow(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && isPicture(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
