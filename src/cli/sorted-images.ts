/**
 * A folder of images sorted by class: which files there are, and which label each one shows.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isPicture, picturesBelow } from '../bulk/picture-files.ts';
import { ViTError } from '../error.ts';

export interface SortedImage {
  file: string;
  /** Index of the label that it shows. */
  truth: number;
}

/**
 * @param root holds one folder per class, named as a label (any of its names, where commas separate several; case does
 *   not count) or as its index
 * @param most images per class, the first by name
 * @throws ViTError `bad-input` naming folders that are no label or that of several classes, and when there is no image
 */
export function sortedImages(root: string, labels: string[], most = Infinity): SortedImage[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.'),
  );
  const found = folders.map(({ name }) => [name, labelIndices(name, labels)] as const);
  const ambiguous = found.filter(([, indices]) => indices.length > 1);
  if (ambiguous.length > 0) {
    const [name, classes] = ambiguous[0];
    throw new ViTError(
      'bad-input',
      `${join(root, name)}: ${classes.length} classes of the model have that name. Call the folder ${classes.join(' or ')}.`,
    );
  }
  const indices = new Map(found.map(([name, [index = -1]]) => [name, index]));
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
  const images = picturesBelow(root);
  if (images.length === 0) throw new ViTError('bad-input', `There is no image in ${root}.`);
  return images;
}

function imagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter(isPicture)
    .sort()
    .map((name) => join(folder, name));
}

/** None for what is no label, several where classes share a name. */
function labelIndices(name: string, labels: string[]): number[] {
  const wanted = name.toLowerCase();
  const named = (namesOf: (label: string) => string[]) =>
    [...labels.keys()].filter((index) => namesOf(labels[index]).some((one) => one.trim().toLowerCase() === wanted));
  // A whole label goes before one of several names: ImageNet has `maillot` and `maillot, tank suit`.
  const whole = named((label) => [label]);
  if (whole.length > 0) return whole;
  const among = named((label) => label.split(','));
  return among.length === 0 && /^\d+$/.test(name) && Number(name) < labels.length ? [Number(name)] : among;
}
