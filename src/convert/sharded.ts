/**
 * A checkpoint in several files: `model.safetensors.index.json` (or `pytorch_model.bin.index.json`) says in its
 * `weight_map` which file beside it has which tensor. The files are checkpoints of their own, read by their own readers.
 */
import { ViTError } from '../error.ts';
import type { Source } from './byte-source.ts';
import type { Checkpoint, StoredTensor } from './checkpoint.ts';
import { JsonObject } from './json.ts';

/** Opens a file of that name beside the index. @throws ViTError `bad-input` when it is not there. */
export type OpenBeside = (file: string) => Promise<Source>;

const LONGEST_INDEX = 64 * 2 ** 20;

/**
 * @param open reads one of the files
 * @throws ViTError `bad-input` naming the file that is missing or broken, or the tensors that are not where the index
 *   says
 */
export async function openSharded(
  index: Source,
  beside: OpenBeside,
  open: (source: Source) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  const fileOf = await readIndex(index);
  const parts = new Map<string, Checkpoint>();
  for (const file of new Set(fileOf.values())) parts.set(file, await openPart(file, beside, open));

  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of fileOf) {
    const tensor = parts.get(file)!.tensors.get(name);
    if (!tensor) throw broken(`${file} has no ${name}, which the index says it has`);
    tensors.set(name, tensor);
  }
  for (const [file, part] of parts) {
    const stray = [...part.tensors.keys()].find((name) => fileOf.get(name) !== file);
    if (stray !== undefined) throw broken(`${file} has ${stray}, which the index does not say`);
  }
  const format = [...parts.values()][0].format;
  return {
    format: `${format} in ${parts.size} files`,
    tensors,
    async read(name) {
      const file = fileOf.get(name);
      if (file === undefined) throw broken(`there is no tensor ${name}`);
      return parts.get(file)!.read(name);
    },
  };
}

/** @returns tensor -> file */
async function readIndex(source: Source): Promise<Map<string, string>> {
  if (source.size > LONGEST_INDEX) throw broken(`the index has ${source.size} bytes`);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ViTError('bad-input', `The index of the checkpoint is not JSON (${(cause as Error).message}).`, {
      cause,
    });
  }
  const map = new JsonObject('The index of the checkpoint', parsed).object('weight_map');
  if (!map) throw broken('the index has no weight_map; give the checkpoint itself, or its folder');
  const fileOf = new Map<string, string>();
  for (const name of map.keys) {
    const file = map.string(name);
    if (!file || !/^[^/\\]+$/.test(file) || file.startsWith('.')) {
      throw broken(
        `the index has ${JSON.stringify(file)} as the file of ${name}; it must be the name of a file beside it`,
      );
    }
    if (file.endsWith('.json')) throw broken(`the index has another index, ${file}, as the file of ${name}`);
    fileOf.set(name, file);
  }
  if (fileOf.size === 0) throw broken('the weight_map of the index is empty');
  return fileOf;
}

async function openPart(
  file: string,
  beside: OpenBeside,
  open: (source: Source) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  try {
    return await open(await beside(file));
  } catch (cause) {
    if (!(cause instanceof ViTError)) throw cause;
    throw new ViTError(cause.code, `${file}, which the index names: ${cause.message}`, { cause });
  }
}

function broken(what: string): ViTError {
  return new ViTError('bad-input', `Not a whole checkpoint: ${what}.`);
}
