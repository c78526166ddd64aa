/**
 * `vit-webgpu fetch`: a model of the Hugging Face Hub, downloaded and converted in one go.
 */
import { Command, InvalidArgumentError } from 'commander';
import { isRepository } from '../hub/open-repository.ts';
import { addConvertFlags, type ConvertFlags } from './convert-flags.ts';
import { convertToFolder } from './convert-to-folder.ts';
import { cacheFolder, endpointOf, fetchRepository } from './fetch-repository.ts';
import { checkPlace } from './output-folder.ts';
import type { Terminal } from './terminal.ts';

interface Flags extends ConvertFlags {
  revision: string;
  file?: string;
  cache?: string;
  endpoint?: string;
  license?: string;
}

export function fetchCommand(terminal: Terminal): Command {
  const command = new Command('fetch')
    .description('download a model from the Hugging Face Hub and convert it; HF_TOKEN is the token for private ones')
    .argument('<repository>', 'owner/name', parseRepository)
    .option('--revision <name>', 'branch, tag or commit', 'main')
    .option('--file <path>', 'the checkpoint within the repository (default: the usual names)')
    .option('--cache <dir>', 'where downloads are kept (default: ~/.cache/vit-webgpu)')
    .option('--endpoint <url>', 'of the Hub or a mirror (default: HF_ENDPOINT, or the Hub itself)')
    .option('--license <id>', 'of the checkpoint, for model.json (default: what the repository says)');
  return addConvertFlags(command).action(async (repo: string, flags: Flags) => {
    // Before anything is downloaded.
    await checkPlace(flags.out, flags.force);
    const endpoint = endpointOf(flags.endpoint);
    const token = process.env.HF_TOKEN || undefined;
    const options = { repo, revision: flags.revision, endpoint, token, tokenIn: 'HF_TOKEN' };
    const { file, repository } = await fetchRepository(options, cacheFolder(flags.cache), flags.file, terminal);
    const license = flags.license ?? repository.license;
    await convertToFolder(file, flags, { repository: repository.url, revision: repository.commit, license }, terminal);
  });
}

function parseRepository(text: string): string {
  if (isRepository(text)) return text;
  throw new InvalidArgumentError('Give owner/name, such as google/vit-base-patch16-224.');
}
