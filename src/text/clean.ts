/**
 * What becomes of a text before it is cut into tokens: a model knows texts in the form in which it was trained on them.
 */
import type { Cleaning } from '../model/text.ts';
import { resolveReferences } from './html.ts';

/** Python's `string.punctuation` without the underscore. */
const PUNCTUATION = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]/g;

export function cleanText(text: string, cleaning: Cleaning): string {
  // Twice: texts were often written with `&amp;eacute;`.
  const plain = resolveReferences(resolveReferences(text)).trim();
  if (cleaning === 'html') return plain;
  return plain.replaceAll('_', ' ').replace(PUNCTUATION, '').toLowerCase().replace(/\s+/g, ' ').trim();
}
