/**
 * A checkpoint with what lies beside it, up to the point where its tensors are read: the same files as `vit-webgpu fetch` and
 * `convert` take, by the same names.
 */
import type { Conversion } from '../convert/answers.ts';
import { configBeside, preprocessorBeside } from '../convert/beside.ts';
import { beside } from '../convert/choose-files.ts';
import { TOKENIZER } from '../convert/decide-words.ts';
import { openCheckpoint } from '../convert/open-checkpoint.ts';
import { type PreparedModel, prepareModel } from '../convert/prepare-model.ts';
import { sha256OfFiles } from '../convert/sha256.ts';
import { ViTError } from '../error.ts';
import { Field } from '../weights/field.ts';
import { parseCalibration } from '../weights/parse-calibration.ts';
import type { CheckpointPlace } from './place.ts';

const CALIBRATION = 'calibration.json';

export interface Prepared extends PreparedModel {
  /** Of a model with words. */
  tokenizer: Uint8Array<ArrayBuffer> | undefined;
}

/** @throws ViTError those of `prepareModel` and of the place */
export async function prepare(place: CheckpointPlace, { file: _, ...choices }: Conversion): Promise<Prepared> {
  const { checkpoint } = place;
  const at = (name: string) => beside(checkpoint, name);
  const has = (name: string) => place.paths.includes(at(name));
  const readJson = async (name: string) => (has(name) ? parse(await place.read(at(name)), name) : undefined);
  const opened = [checkpoint];
  const openBeside = async (name: string) => {
    if (!has(name)) throw new ViTError('bad-input', `there is no file ${at(name)}.`);
    opened.push(at(name));
    return place.open(at(name));
  };
  const tensors = await openCheckpoint(await place.open(checkpoint), openBeside);
  const tokenizer = has(TOKENIZER) ? await place.read(at(TOKENIZER)) : undefined;
  // Whoever names the architecture has no use for a config.
  const config =
    choices.architecture === undefined ? await configBeside(checkpoint.slice(at('').length), readJson) : undefined;
  const calibration = await readJson(CALIBRATION);
  const hashes: [string, string][] = [];
  for (const path of opened) hashes.push([path.slice(at('').length), await place.sha256(path)]);
  const model = await prepareModel(tensors, {
    name: place.name,
    preprocessor: await preprocessorBeside(readJson),
    ...(calibration !== undefined && {
      calibration: parseCalibration(new Field(calibration, CALIBRATION, '', 'bad-input')),
    }),
    config,
    ...choices,
    tokenizer,
    source: { ...place.source, sha256: await sha256OfFiles(hashes) },
  });
  return { ...model, tokenizer };
}

function parse(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ViTError('bad-input', `${name} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
