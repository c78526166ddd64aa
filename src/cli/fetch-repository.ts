/**
 * Downloads what a conversion needs of a repository, into a cache that later runs use.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beside, CONFIG_NAMES, chooseCheckpoint, partsOf } from '../convert/choose-files.ts';
import { ViTError } from '../error.ts';
import { openRepository } from '../hub/open-repository.ts';
import { parseEndpoint } from '../hub/parse-endpoint.ts';
import { HUB_URL, type HubFile, type HubOptions, type HubRepository } from '../hub/repository.ts';
import { readJson } from './command-files.ts';
import { download } from './download.ts';
import { formatBytes, type Terminal } from './terminal.ts';

export interface Fetched {
  /** The checkpoint, or its index; the files of its folder in the repository lie beside it. */
  file: string;
  repository: HubRepository;
}

/** `--cache`, else a folder of its own where the system keeps caches. */
export function cacheFolder(given: string | undefined): string {
  return given ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vit-webgpu');
}

/** `--endpoint`, else HF_ENDPOINT, else the Hub itself. @throws ViTError `bad-input` when it is no URL */
export function endpointOf(given: string | undefined): string {
  return parseEndpoint(given ?? (process.env.HF_ENDPOINT || HUB_URL));
}

/**
 * @param given `--file`: the checkpoint's path in the repository
 * @throws ViTError `network` when something cannot be had, `bad-input` when it is not clear what is wanted
 */
export async function fetchRepository(
  options: HubOptions,
  cache: string,
  given: string | undefined,
  terminal: Terminal,
): Promise<Fetched> {
  const repository = await openRepository(options);
  const { commit, license, files, url } = repository;
  terminal.print(`${url}, commit ${commit.slice(0, 12)}, licence ${license ?? 'not given'}`);

  const folder = join(cache, repository.options.repo.replace('/', '--'), commit);
  const get = async (file: HubFile) => {
    const place = await download(repository, file, folder, (bytes) => {
      const percent = file.size > 0 ? Math.floor((100 * bytes) / file.size) : 100;
      terminal.progress(`${file.path}: ${percent} % of ${formatBytes(file.size)}`);
    });
    terminal.progress('');
    terminal.print(`${file.path}: ${formatBytes(file.size)}, hash verified`);
    return place;
  };

  const path = chooseCheckpoint(files.keys(), given, { place: 'The repository', option: '--file' });
  // The small ones first: whether they are there decides nothing, but a wrong token shows at once.
  for (const name of CONFIG_NAMES) {
    const config = files.get(beside(path, name));
    if (config) await get(config);
  }
  const file = await get(files.get(path)!);
  if (!path.endsWith('.index.json')) return { file, repository };
  for (const part of partsOf(await readJson(file), path)) {
    const listed = files.get(part);
    if (!listed) throw new ViTError('bad-input', `${path} names ${part}, which the repository does not have.`);
    await get(listed);
  }
  return { file, repository };
}
