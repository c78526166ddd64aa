/**
 * What a repository has at a revision: its commit, its licence and its files with their hashes, in one request.
 */
import { ViTError } from '../error.ts';
import { explain, request } from './hub-request.ts';
import { persist } from './persist.ts';
import type { HubFile, HubOptions, HubRepository } from './repository.ts';

/** What the Hub answers, as far as it is read here. */
interface Info {
  /** The name that the repository has now. */
  id?: unknown;
  sha?: unknown;
  cardData?: { license?: unknown; license_name?: unknown };
  tags?: unknown;
  siblings?: { rfilename?: unknown; size?: unknown; blobId?: unknown; lfs?: { sha256?: unknown } | null }[];
}

/** @throws ViTError `network` when there is no such repository or revision, when it is not open to this token, or offline. */
export async function openRepository(options: HubOptions, signal?: AbortSignal): Promise<HubRepository> {
  const { repo, revision, endpoint } = options;
  const path = `/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const info = await persist(async () => read(await request(options, path, {}, signal), options), signal);
  const { id, sha, siblings } = info;
  const commit = typeof sha === 'string' && /^[0-9a-f]{40,64}$/.test(sha) ? sha : undefined;
  const files = Array.isArray(siblings) ? siblings.map(fileOf) : [undefined];
  if (!commit || !files.every((file) => file !== undefined)) {
    throw new ViTError('network', `${endpoint} does not name the commit and the files of ${repo}: is it a Hub?`);
  }
  const name = typeof id === 'string' && isRepository(id) ? id : repo;
  return {
    options: { ...options, repo: name },
    url: `${endpoint}/${name}`,
    commit,
    license: licenseOf(info),
    files: new Map(files.map((file) => [file.path, file])),
  };
}

/** Whether this is a name that the Hub could give: `owner/name`, or the `name` of one of its oldest. */
export function isRepository(text: string): boolean {
  return /^\w[\w.-]*(\/\w[\w.-]*)?$/.test(text) && !text.includes('..');
}

async function read(response: Response, options: HubOptions): Promise<Info> {
  const text = await response.text().catch((cause) => {
    throw explain(cause, options);
  });
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new ViTError('network', `${options.endpoint} does not answer in JSON: is it a Hub?`);
  }
}

function fileOf({ rfilename: path, size, blobId, lfs }: NonNullable<Info['siblings']>[number]): HubFile | undefined {
  if (typeof path !== 'string' || !Number.isSafeInteger(size)) return undefined;
  const hash = lfs
    ? ({ algorithm: 'sha256', hex: String(lfs.sha256) } as const)
    : ({ algorithm: 'git-sha1', hex: String(blobId) } as const);
  return { path, size: size as number, hash };
}

function licenseOf({ cardData, tags }: Info): string | undefined {
  const { license, license_name: name } = cardData ?? {};
  if (license === 'other' && typeof name === 'string') return name;
  if (typeof license === 'string') return license;
  const tag = Array.isArray(tags)
    ? tags.find((item) => typeof item === 'string' && item.startsWith('license:'))
    : undefined;
  return tag?.slice('license:'.length);
}
