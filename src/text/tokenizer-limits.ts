/**
 * What a tokenizer may ask for. Those of CLIP, SigLIP, Gemma, XLM-V and the tokenizers of GPT-4 stay far within.
 */

/** Bytes of a `tokenizer.json`; Gemma's 256,000 words take 34 MB. */
export const MOST_BYTES = 2 ** 26;
/** Characters of a text. */
export const MOST_CHARACTERS = 2_000;
/** Objects in its pipeline, and how deep they lie. */
export const MOST_PARTS = 64;
export const DEEPEST = 8;
/** How often a text may become its own length, by all replacements together. */
export const MOST_GROWTH = 2 ** 12;

/** Of each alternative of a regular expression. */
const MOST_CHARS = 500;
const MOST_QUANTIFIERS = 8;
const MOST_UNBOUNDED = 2;
const MOST_GROUPS = 4;
const MOST_INNER_ALTERNATIVES = 12;

/**
 * Why a regular expression may take longer than a text is worth: repeated groups take exponential time, and so do many
 * optional parts in a row. What is left takes at most the cube of a text's length.
 * @returns null where it is harmless
 */
export function whyNotRegex(source: string): string | null {
  if (source.length > MOST_CHARS) return `has more than ${MOST_CHARS} characters`;
  let counts = { quantifiers: 0, unbounded: 0, groups: 0, alternatives: 0 };
  let depth = 0;
  let isGroup = false;
  // An atom at a time: an escape, a class, or a character, with `\p{…}` as one.
  for (const [atom] of source.matchAll(
    /\\[pP]\{[^}]*\}|\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?<?[:=!]|\{\d*,?\d*\}|[\s\S]/g,
  )) {
    if (/^\\[1-9k]/.test(atom)) return 'refers back to what it found';
    if (/^[*+?{]/.test(atom)) {
      const isUnbounded = /^[*+]|,\}|\d{3}/.test(atom);
      if (isGroup && atom !== '?') return 'repeats a group';
      counts.quantifiers++;
      if (isUnbounded) counts.unbounded++;
    } else if (atom.startsWith('(')) {
      depth++;
      counts.groups++;
    } else if (atom === '|') {
      if (depth === 0) counts = { quantifiers: 0, unbounded: 0, groups: 0, alternatives: 0 };
      else counts.alternatives++;
    }
    isGroup = atom === ')' || (isGroup && atom === '?');
    if (atom === ')') depth--;
    if (counts.unbounded > MOST_UNBOUNDED || counts.quantifiers > MOST_QUANTIFIERS) return 'repeats too much in a row';
    if (counts.groups > MOST_GROUPS || counts.alternatives > MOST_INNER_ALTERNATIVES) return 'has too many groups';
  }
  return null;
}
