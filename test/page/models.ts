/**
 * Small models that a test puts on the site, beside the page.
 */
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';
import type { Site } from './site.ts';

/** A CLIP of random numbers that reads letters: four to a text. */
export async function clipFiles({ tokenizer = true } = {}): Promise<Map<string, Uint8Array>> {
  const files = await tinyModel(TINY_CLIP);
  const { manifest, shards, tokenizer: reader } = tokenizer ? await withWords(files, lettersTokenizer()) : files;
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify({ ...manifest, name: 'tiny-clip' }))],
    ...manifest.shards.map(({ file }, i) => [file, shards[i]] as const),
    ...(reader ? [['tokenizer.json', reader] as const] : []),
  ]);
}

/** @returns the query that opens the page with it */
export async function addClip(site: Site, options?: Parameters<typeof clipFiles>[0]): Promise<string> {
  for (const [name, bytes] of await clipFiles(options)) site.add(`clip/${name}`, bytes);
  return '?model=clip/model.json';
}
