/**
 * From what a page calls a checkpoint to a source of a model.
 */
import type { Conversion } from '../convert/answers.ts';
import { sha256 } from '../convert/sha256.ts';
import { openRepository } from '../hub/open-repository.ts';
import { parseAddress } from '../hub/parse-address.ts';
import { HUB_URL } from '../hub/repository.ts';
import type { EngineOptions } from '../interface.ts';
import { VERSION } from '../version.ts';
import type { ModelCache } from '../weights/model-cache.ts';
import type { parseManifest } from '../weights/parse-manifest.ts';
import type { ModelSource, SourceOptions } from '../weights/source.ts';
import { CheckpointSource, type Origin } from './checkpoint-source.ts';
import { DroppedPlace } from './dropped-place.ts';
import { HubPlace } from './hub-place.ts';
import { checkConversion, checkHub } from './parse-options.ts';

/** With what the core has and need not come a second time. */
export interface CheckpointOptions extends SourceOptions, Pick<EngineOptions, 'convert' | 'hub'> {
  ModelCache: typeof ModelCache;
  parseManifest: typeof parseManifest;
}

/**
 * @param source `hf:owner/name`, `hf:owner/name@revision`, or files
 * @throws ViTError `bad-input`
 */
export async function openCheckpoint(
  source: string | Blob[],
  { convert, hub, cache = true, hash, warn, ModelCache, parseManifest }: CheckpointOptions,
): Promise<ModelSource> {
  const choices = checkConversion(convert);
  const origin =
    typeof source === 'string' ? fromHub(source, choices, { hub, cache, warn }) : fromFiles(source, choices);
  return new CheckpointSource(origin, choices, {
    cache: cache ? await ModelCache.open(warn) : null,
    hash,
    parse: (json, where) => parseManifest(json, where, false),
  });
}

function fromHub(
  address: string,
  choices: Conversion,
  { hub, cache, warn }: { hub: unknown; cache: boolean; warn(message: string): void },
): Origin {
  const asked = { ...parseAddress(address), ...checkHub(hub) };
  const { repo, revision, endpoint } = asked;
  return {
    key: async () => `hf:${repo}@${revision}#${await digest([endpoint === HUB_URL ? '' : endpoint, choices])}`,
    async open(signal, commit) {
      const repository = await openRepository({ ...asked, revision: commit ?? revision }, signal);
      return new HubPlace({ repository, cache, signal, warn }, choices.file);
    },
  };
}

function fromFiles(files: Blob[], choices: Conversion): Origin {
  const place = new DroppedPlace(files, choices.file);
  return {
    async key() {
      const hashes: [string, string][] = [];
      for (const path of place.paths) hashes.push([path, await place.sha256(path)]);
      return `file:${place.checkpoint}#${await digest([hashes, choices])}`;
    },
    open: async () => place,
  };
}

/** What else the result depends on; another release may convert otherwise. */
async function digest(things: unknown): Promise<string> {
  return (await sha256(new TextEncoder().encode(JSON.stringify([VERSION, things], sorted)))).slice(0, 16);
}

/** The order in which options are given means nothing. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
