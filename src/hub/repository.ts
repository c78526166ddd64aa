/**
 * A model repository on the Hugging Face Hub at one commit: what it says of itself and which files it has. Types alone; each
 * thing that can be asked of the Hub is a file of its own beside this one, for browsers and for Node.
 */

/** The Hub itself; mirrors speak the same protocol. */
export const HUB_URL = 'https://huggingface.co';

export interface HubOptions {
  /** `owner/name` */
  repo: string;
  /** A branch, tag or commit. */
  revision: string;
  /** URL of the Hub, without a slash at the end. Nothing is asked of anyone else, but where it redirects for a file. */
  endpoint: string;
  /** For private and gated repositories. It is sent to the endpoint alone. */
  token?: string;
  /** Where people put a token, for messages: `HF_TOKEN`. */
  tokenIn: string;
  /** Default: the platform's. */
  fetch?: typeof globalThis.fetch;
}

export interface HubFile {
  path: string;
  /** In bytes. */
  size: number;
  /** What its bytes must hash to: large files have their SHA-256, small ones the SHA-1 that git gives a blob. */
  hash: { algorithm: 'sha256' | 'git-sha1'; hex: string };
}

export interface HubRepository {
  /** Under the name that it has now: it may have been renamed. */
  readonly options: HubOptions;
  /** For people, and for `model.json`. */
  readonly url: string;
  /** The full hash that the revision stands for. */
  readonly commit: string;
  /** As the model card has it: `apache-2.0`; absent where it has none. */
  readonly license: string | undefined;
  /** By path. */
  readonly files: ReadonlyMap<string, HubFile>;
}
