/**
 * A model repository on the Hugging Face Hub at one commit: what it says of itself, which files it has, and their bytes.
 * The Hub's API is its own library's; here are the errors for people.
 */
import { fileDownloadInfo, HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { ViTError } from '../../error.ts';

export interface HubOptions {
  /** `owner/name` */
  repo: string;
  /** A branch, tag or commit. */
  revision: string;
  /** URL of the Hub, without a slash at the end. */
  endpoint: string;
  /** For private and gated repositories. */
  token?: string;
}

export interface HubFile {
  path: string;
  /** In bytes. */
  size: number;
  /** What its bytes must hash to: large files have their SHA-256, small ones the SHA-1 that git gives a blob. */
  hash: { algorithm: 'sha256' | 'git-sha1'; hex: string };
}

export class HubRepository {
  readonly options: HubOptions;
  /** The full hash that the revision stands for. */
  readonly commit: string;
  /** As the model card has it: `apache-2.0`; absent where it has none. */
  readonly license: string | undefined;
  readonly files: ReadonlyMap<string, HubFile>;

  private constructor(options: HubOptions, commit: string, license: string | undefined, files: HubFile[]) {
    this.options = options;
    this.commit = commit;
    this.license = license;
    this.files = new Map(files.map((file) => [file.path, file]));
  }

  /** @throws ViTError `network` when there is no such repository or revision, when it is not open to this token, or offline. */
  static async open(options: HubOptions): Promise<HubRepository> {
    return told(options, async () => {
      const { repo: name, revision, endpoint: hubUrl } = options;
      const { sha, cardData, tags } = await modelInfo({
        name,
        revision,
        hubUrl,
        ...credentials(options),
        additionalFields: ['sha', 'cardData', 'tags'],
      });
      const files: HubFile[] = [];
      for await (const entry of listFiles({
        repo: name,
        revision: sha,
        hubUrl,
        recursive: true,
        ...credentials(options),
      })) {
        if (entry.type !== 'file') continue;
        const hash = entry.lfs
          ? ({ algorithm: 'sha256', hex: entry.lfs.oid } as const)
          : ({ algorithm: 'git-sha1', hex: entry.oid ?? '' } as const);
        files.push({ path: entry.path, size: entry.size, hash });
      }
      return new HubRepository(options, sha, licenseOf(cardData, tags), files);
    });
  }

  /** For people, and for `model.json`. */
  get url(): string {
    return `${this.options.endpoint}/${this.options.repo}`;
  }

  /**
   * The bytes of a file as they arrive.
   * @param start the first byte that is wanted
   * @returns where they begin: 0 when the server does not send parts of files
   * @throws ViTError `network`
   */
  async stream({ path, size }: HubFile, start: number): Promise<{ start: number; bytes: ReadableStream<Uint8Array> }> {
    return told(this.options, async () => {
      const { repo, endpoint: hubUrl, token } = this.options;
      const info = await fileDownloadInfo({ repo, path, revision: this.commit, hubUrl, ...credentials(this.options) });
      if (!info) throw new ViTError('network', `${this.url} has no ${path} any more.`);
      if (info.size !== size) {
        throw new ViTError('network', `${path} has ${info.size} bytes now, but ${this.url} lists ${size}.`);
      }
      // A plain request by range resumes at any byte, and is all that a mirror needs to serve. The token is for the Hub
      // alone: `fetch` leaves it out when the Hub redirects to another host.
      const headers = new Headers({ range: `bytes=${start}-${size - 1}` });
      if (token && new URL(info.url).origin === new URL(hubUrl).origin) headers.set('authorization', `Bearer ${token}`);
      const response = await fetch(info.url, { headers });
      if (!response.ok || !response.body) {
        throw new HubApiError(info.url, response.status, undefined, `${path} cannot be downloaded`);
      }
      return { start: response.status === 206 ? start : 0, bytes: response.body };
    });
  }
}

function licenseOf(cardData: unknown, tags: unknown): string | undefined {
  const { license, license_name: name } = (cardData ?? {}) as Record<string, unknown>;
  if (license === 'other' && typeof name === 'string') return name;
  if (typeof license === 'string') return license;
  const tag = Array.isArray(tags)
    ? tags.find((item) => typeof item === 'string' && item.startsWith('license:'))
    : undefined;
  return tag?.slice('license:'.length);
}

function credentials({ token }: HubOptions): { accessToken?: string } {
  return token ? { accessToken: token } : {};
}

/** Whatever goes wrong, told with what to do. */
async function told<T>(options: HubOptions, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw explain(cause, options);
  }
}

/** @returns an error with the reason in words */
export function explain(cause: unknown, { repo, revision, endpoint, token }: HubOptions): ViTError {
  if (cause instanceof ViTError) return cause;
  const network = (message: string) => new ViTError('network', message, { cause });
  if (cause instanceof HubApiError) {
    const where = `${endpoint}/${repo}`;
    switch (cause.statusCode) {
      case 401:
      case 403:
        return network(
          token
            ? `${where} is not open to the token of HF_TOKEN, or does not exist. Ask for access on its page. (${cause.message})`
            : `${where} needs a token, or does not exist. Set HF_TOKEN to one of yours. (${cause.message})`,
        );
      case 404:
        return network(`There is no ${where} with revision ${revision}.`);
      case 429:
        return network(`${endpoint} asks to wait: too many requests. Try again later, or set HF_TOKEN.`);
    }
    return network(`${endpoint} answered with status ${cause.statusCode}: ${cause.message}`);
  }
  if (cause instanceof TypeError && cause.message.includes('access token')) {
    return new ViTError('bad-input', `HF_TOKEN is no token of the Hub: ${cause.message}.`, { cause });
  }
  const { message, cause: inner } = cause as Error;
  const reason = inner instanceof Error && inner.message ? inner.message : message;
  return network(`${endpoint} cannot be reached: ${reason}.`);
}
