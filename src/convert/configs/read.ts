/**
 * Tells which library wrote a config.json, and reads it.
 */
import { ViTError } from '../../error.ts';
import { JsonObject } from '../json.ts';
import type { ConfigFacts } from './facts.ts';
import { readHuggingFaceConfig } from './hugging-face.ts';
import { readTimmConfig } from './timm.ts';

/**
 * @param config the parsed file
 * @param width of the tensors
 * @throws ViTError `bad-input` when neither timm nor transformers wrote it, or when a value has the wrong type.
 */
export function readConfig(config: unknown, width: number): ConfigFacts {
  const json = new JsonObject('config.json', config);
  if (json.has('architecture')) return readTimmConfig(json, width);
  if (json.has('model_type')) return readHuggingFaceConfig(json);
  throw new ViTError(
    'bad-input',
    "config.json has neither timm's `architecture` nor transformers' `model_type`. Give another --config, or none.",
  );
}
