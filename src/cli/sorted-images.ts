/**
 * A folder of images sorted by class: which files there are, and which label each one shows.
 */
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ViTError } from '../error.ts';

const KINDS = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.bmp'];

export interface SortedImage {
  file: string;
  /** Index of the label that it shows. */
  truth: number;
}

/**
 * @param root holds one folder per class, named as a label (any of its names, where commas separate several; case does
 *   not count) or as its index
 * @param most images per class, the first by name
 * @throws ViTError `bad-input` naming folders that are no label, and when there is no image
 */
export function sortedImages(root: string, labels: string[], most = Infinity): SortedImage[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.'),
  );
  const indices = new Map(folders.map(({ name }) => [name, labelIndex(name, labels)]));
  const strangers = [...indices].filter(([, index]) => index < 0).map(([name]) => `"${name}"`);
  if (strangers.length > 0) {
    const known = `${labels.slice(0, 12).join(', ')}${labels.length > 12 ? ', …' : ''}`;
    throw new ViTError('bad-input', `${root}: the model has no label ${strangers.join(', ')}. It knows ${known}.`);
  }
  const images = [...indices].flatMap(([name, truth]) =>
    imagesIn(join(root, name))
      .slice(0, most)
      .map((file) => ({ file, truth })),
  );
  if (images.length === 0) throw new ViTError('bad-input', `${root} holds no folders with images, one per class.`);
  return images;
}

/** Every image below a folder, by name. */
export function imagesBelow(root: string): string[] {
  const images = readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && isImage(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (images.length === 0) throw new ViTError('bad-input', `There is no image in ${root}.`);
  return images;
}

function imagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter(isImage)
    .sort()
    .map((name) => join(folder, name));
}

function isImage(name: string): boolean {
  return KINDS.includes(extname(name).toLowerCase()) && !name.startsWith('.');
}

/** -1 for what is no label. */
function labelIndex(name: string, labels: string[]): number {
  const wanted = name.toLowerCase();
  const named = labels.findIndex((label) =>
    [label, ...label.split(',')].some((one) => one.trim().toLowerCase() === wanted),
  );
  return named < 0 && /^\d+$/.test(name) && Number(name) < labels.length ? Number(name) : named;
}
