/**
 * Sections of RESULTS.md that are written by benchmarks.
 */
import { readFile, writeFile } from 'node:fs/promises';

const RESULTS = 'bench/RESULTS.md';

/** @param content ends its last line */
export async function writeSection(name: string, content: string): Promise<void> {
  await writeFile(RESULTS, replaceSection(await readFile(RESULTS, 'utf8'), name, content));
  console.log(RESULTS);
}

/** Between its marks; a new section goes before the mark `<!-- results end here -->`. */
function replaceSection(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- results: ${name} -->`, `<!-- end: ${name} -->`];
  const section = `${begin}\n${content}${end}`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from >= 0 && to > from) return text.slice(0, from) + section + text.slice(to + end.length);
  const last = '<!-- results end here -->';
  return text.includes(last) ? text.replace(last, () => `${section}\n\n${last}`) : `${text}\n${section}\n`;
}
