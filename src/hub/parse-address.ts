/**
 * `hf:owner/name` or `hf:owner/name@revision`: a repository in one word.
 */
import { ViTError } from '../error.ts';
import { isRepository } from './open-repository.ts';
import type { HubOptions } from './repository.ts';

/** @throws ViTError `bad-input` for anything else */
export function parseAddress(address: string): Pick<HubOptions, 'repo' | 'revision'> {
  const [, repo = '', revision = 'main'] = /^hf:(?:\/\/)?([^@]+)(?:@(.+))?$/.exec(address) ?? [];
  if (isRepository(repo)) return { repo, revision };
  throw new ViTError(
    'bad-input',
    `${JSON.stringify(address)} names no repository of the Hub: give hf:owner/name, or hf:owner/name@revision.`,
  );
}
