/**
 * A checkpoint to `model.json` and shards: the one entry of the command line.
 *
 * For the golden, which is computed step by step, every tensor is read once more.
 */
import type { Manifest } from '../weights/manifest.ts';
import type { Checkpoint } from './checkpoint.ts';
import { computeGolden } from './compute-golden.ts';
import { TOKENIZER } from './decide-words.ts';
import { manifestText } from './manifest-text.ts';
import { type ModelOptions, prepareModel } from './prepare-model.ts';
import type { Sink } from './sink.ts';

export interface ConvertOptions extends ModelOptions {
  /** Called while tensors are written, in bytes, and then while the golden is computed, in steps of the network. */
  onProgress?: (stage: 'writing' | 'golden', done: number, total: number) => void;
}

/**
 * @param sink gets the shards as they are filled, and `model.json` last
 * @throws ViTError `unsupported-model` for models this version cannot run, naming what it cannot, and where something is
 *   not known, with the questions; `bad-input` for broken checkpoints and contradictions; `numeric` for NaN and overflow.
 */
export async function convertCheckpoint(whole: Checkpoint, sink: Sink, options: ConvertOptions): Promise<Manifest> {
  const { onProgress, ...model } = options;
  const { manifest: described, network, write, stored } = await prepareModel(whole, model);
  await write(sink, (done, total) => onProgress?.('writing', done, total));
  const golden = await computeGolden(network, stored, (done, total) => onProgress?.('golden', done, total));
  const manifest = { ...described, golden };
  if (manifest.words) await sink.write(TOKENIZER, model.tokenizer!);
  await sink.write('model.json', new TextEncoder().encode(manifestText(manifest)));
  return manifest;
}
