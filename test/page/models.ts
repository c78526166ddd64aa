/**
 * Small models that a test puts on the site, beside the page.
 */
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';
import type { Site } from './site.ts';

/** A CLIP of random numbers that reads letters: four to a text. @returns the query that opens the page with it */
export async function addClip(site: Site, { tokenizer = true } = {}): Promise<string> {
  const files = await tinyModel(TINY_CLIP);
  const { manifest, shards, tokenizer: reader } = tokenizer ? await withWords(files, lettersTokenizer()) : files;
  site.add('clip/model.json', new TextEncoder().encode(JSON.stringify({ ...manifest, name: 'tiny-clip' })));
  for (const [i, { file }] of manifest.shards.entries()) site.add(`clip/${file}`, shards[i]);
  if (reader) site.add('clip/tokenizer.json', reader);
  return '?model=clip/model.json';
}
