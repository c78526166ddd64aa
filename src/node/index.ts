/**
 * The library in Node: models from folders or addresses, pictures from files, addresses or their bytes, computed on the CPU in
 * a thread of its own; on WebGPU where the caller brings a device.
 */
import { badInput } from '../client/check-options.ts';
import { openViT } from '../client/vit.ts';
import type { LoadOptions, ModelFiles, ViT } from '../index.ts';
import { decodeBySharp } from './decode-by-sharp.ts';
import { EngineWorker } from './engine-worker.ts';
import { manifestAddress, readJsonFile } from './file-addresses.ts';
import { type Decode, readPicture } from './pictures.ts';

export * from '../index.ts';
export type { Decode } from './pictures.ts';

export interface NodeLoadOptions extends LoadOptions {
  /** From the bytes of a picture to its pixels. Default: the package `sharp`, which must be installed. */
  decode?: Decode;
}

/**
 * As in a browser, with these differences: a path is a source, of a folder or of its `model.json`; a path is a picture, and a
 * `Blob` is one; nothing is cached. The engine's thread keeps the process alive only while it owes an answer.
 *
 * @param source path, `file:` or `http:` address, or a model in memory; or a checkpoint, `hf:owner/name` or its files as `Blob`s
 * @throws ViTError as in a browser; `bad-input` where there is no such file
 */
export async function loadViT(
  source: string | URL | ModelFiles | Blob | Iterable<Blob>,
  { decode = decodeBySharp, labels, ...options }: NodeLoadOptions = {},
): Promise<ViT> {
  if (typeof decode !== 'function') throw badInput('loadViT(): decode must be a function.');
  const files = typeof source === 'string' || source instanceof URL ? manifestAddress(source) : source;
  const vit: ViT = await openViT(
    files,
    {
      worker: options.device ? false : () => new EngineWorker() as unknown as Worker,
      cache: false,
      labels: typeof labels === 'string' || labels instanceof URL ? await readJsonFile(labels) : labels,
      ...options,
    },
    (image, signal) => readPicture(image, decode, vit.info.preprocess, signal),
  );
  return vit;
}
