/**
 * A converted model from a person's disk: its manifest, and the files that this names.
 */
import { type ModelFiles, ViTError } from '../../index.ts';
import { MANIFEST } from '../intake/model-files.ts';

/** What is no manifest is the library's to refuse. @throws ViTError `bad-input` where a file is missing */
export async function readConverted(files: readonly File[]): Promise<ModelFiles> {
  const read = async ({ file: wanted }: { file: string }) => {
    const found = files.find(({ name }) => name === wanted);
    if (!found)
      throw new ViTError('bad-input', `${MANIFEST} names ${wanted}, which is not beside it: give the whole folder.`);
    return new Uint8Array(await found.arrayBuffer());
  };
  const manifest = await files
    .find(({ name }) => name === MANIFEST)!
    .text()
    .then(JSON.parse)
    .catch(() => null);
  const shards: Uint8Array<ArrayBuffer>[] = [];
  for (const shard of manifest?.shards ?? []) shards.push(await read(shard));
  const words = manifest?.words;
  return { manifest, shards, ...(words && { tokenizer: await read(words.tokenizer) }) };
}
