/**
 * Finds out which library wrote a config, and reads it.
 */
import { ViTError } from '../../error.ts';
import { JsonObject } from '../json.ts';
import type { ConfigFacts } from './config-facts.ts';
import { readOpenClipConfig } from './open-clip-config.ts';
import { readTimmConfig } from './timm-config.ts';
import { readTransformersConfig } from './transformers-config.ts';

/**
 * @param config the parsed file
 * @throws ViTError `bad-input` when none of the libraries wrote it, or when a value has the wrong type;
 *   `unsupported-model` for a model that is not known or that this version cannot run.
 */
export function readConfig(config: unknown): ConfigFacts {
  const json = new JsonObject('config.json', config);
  if (json.has('model_cfg')) return readOpenClipConfig(new JsonObject('open_clip_config.json', config));
  if (json.has('architecture')) return readTimmConfig(json);
  if (json.has('model_type')) return readTransformersConfig(json);
  throw new ViTError(
    'bad-input',
    "config.json has neither timm's `architecture` nor transformers' `model_type` nor open_clip's `model_cfg`. Give " +
      'another config, or none.',
  );
}
