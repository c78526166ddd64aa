/**
 * A server that speaks as much of the Hub's API as `src/hub` needs, and misbehaves on request.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers';
import { checkpointBytes } from './formats.ts';

export interface HubFixture {
  repo: string;
  commit: string;
  files: Record<string, Uint8Array>;
  cardData?: Record<string, unknown>;
  tags?: string[];
  /** Nothing is given without `Bearer <token>`. */
  token?: string;
  /** Only files ask for the token; who asks with another one is known, but not let in. */
  gated?: boolean;
  /** What the Hub says of a repository that is not open. */
  errorCode?: string;
  /** The repository's name before. */
  renamedFrom?: string;
  /** Seconds, with every status of `statuses`. */
  retryAfter?: number;
  /** Answers to the first requests for files instead of what they ask for. */
  statuses?: number[];
  /** Bytes after which the connection breaks, one entry per download of a file; `undefined` lets one be. */
  breakAfter?: (number | undefined)[];
  /** Answers requests for a part with the whole. */
  ignoresRanges?: boolean;
  /** Files whose listed hash is another one. */
  wrongHash?: string[];
  /** Says of large files, to clients that ask, how to get them by the Xet protocol. */
  xet?: boolean;
  /** Sends downloads to another host, which must not see the token. */
  cdn?: boolean;
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** timm's: it tells everything that the tensors do not. */
export const TIMM_CONFIG = {
  architecture: 'vit_tiny_patch16_224',
  num_classes: 3,
  label_names: ['cat', 'dog', 'bird'],
  model_args: { num_heads: 2 },
  pretrained_cfg: {
    input_size: [3, 8, 8],
    crop_pct: 1,
    interpolation: 'bicubic',
    mean: [0.1, 0.2, 0.3],
    std: [1, 1, 1],
  },
};

/** A repository with a tiny ViT. */
export const MADE_UP: HubFixture = {
  repo: 'somebody/vit-made-up',
  commit: '0123456789abcdef0123456789abcdef01234567',
  files: {
    'config.json': json(TIMM_CONFIG),
    'model.safetensors': checkpointBytes('vit.safetensors'),
    'README.md': json(''),
  },
  cardData: { license: 'mit' },
};

/** Larger files are listed with their SHA-256, smaller ones with git's hash. */
const LARGE = 1000;

export class HubServer {
  readonly requests: { url: string; range?: string; authorization?: string }[] = [];
  fixture: HubFixture;
  readonly #servers: Server[] = [];
  #cdn = '';

  constructor(fixture: HubFixture) {
    this.fixture = fixture;
  }

  /** @returns its URL */
  async start(): Promise<string> {
    const [hub, cdn] = [await this.#listen(), await this.#listen()];
    this.#cdn = cdn;
    return hub;
  }

  stop(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #listen(): Promise<string> {
    const server = createServer((request, response) => this.#answer(request, response));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): unknown {
    const { repo, commit, files, token, gated, errorCode, renamedFrom, statuses, retryAfter, cdn, xet } = this.fixture;
    const { pathname, searchParams } = new URL(request.url!, 'http://hub');
    const { range, authorization, host } = request.headers;
    this.requests.push({ url: pathname, range, authorization });
    // As the Hub does for pages of any origin.
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', 'X-Error-Code, X-Error-Message, Retry-After');
    response.setHeader('access-control-allow-headers', 'authorization, range');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const isCdn = `http://${host}` === this.#cdn;
    if (renamedFrom && pathname.includes(`/${renamedFrom}/`)) {
      return response.writeHead(307, { location: request.url!.replace(renamedFrom, repo) }).end();
    }
    const isFile = pathname.startsWith(`/${repo}/resolve/`);
    if (token && !isCdn && (isFile || !gated) && authorization !== `Bearer ${token}`) {
      if (errorCode) response.setHeader('x-error-code', errorCode);
      return gated && authorization
        ? reply(response, 403, { error: 'You are not in the authorized list' })
        : reply(response, 401, { error: 'Invalid credentials' });
    }
    if (pathname.startsWith(`/api/models/${repo}/revision/`)) {
      const revision = decodeURIComponent(pathname.split('/').at(-1)!);
      if (revision !== 'main' && revision !== commit) return reply(response, 404, { error: 'Revision Not Found' });
      const siblings = Object.entries(files).map(([path, bytes]) => this.#listed(path, bytes, searchParams));
      return reply(response, 200, { _id: '1', id: repo, sha: commit, lastModified: 0, ...this.#card(), siblings });
    }
    const status = isFile && statuses?.shift();
    if (status) {
      if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
      return reply(response, status, { error: 'Not now' });
    }
    const resolve = `/${repo}/resolve/${commit}/`;
    const path = pathname.slice(resolve.length);
    if (!pathname.startsWith(resolve) || !files[path]) return reply(response, 404, { error: 'Repository not found' });
    const bytes = files[path];
    if (xet && bytes.length > LARGE && request.headers.accept?.includes('xet-fileinfo')) {
      response.writeHead(200, {
        'content-type': 'application/vnd.xet-fileinfo+json',
        'x-linked-size': bytes.length,
        'x-xet-hash': 'ab',
        etag: '"x"',
        link: '<http://xet.invalid/a>; rel="xet-auth", <http://xet.invalid/r>; rel="xet-reconstruction-info"',
      });
      return response.end('{}');
    }
    if (cdn && !isCdn && range !== 'bytes=0-0') {
      return response.writeHead(302, { location: `${this.#cdn}${pathname}` }).end();
    }
    return this.#send(bytes, range, response);
  }

  #card(): object {
    return { cardData: this.fixture.cardData, tags: this.fixture.tags };
  }

  #listed(path: string, bytes: Uint8Array, asked: URLSearchParams): object {
    if (asked.get('blobs') !== 'true') return { rfilename: path };
    const wrong = this.fixture.wrongHash?.includes(path) ? 'x' : '';
    const blobId = createHash('sha1').update(`blob ${bytes.length}\0${wrong}`).update(bytes).digest('hex');
    const sha256 = createHash('sha256').update(wrong).update(bytes).digest('hex');
    const lfs = bytes.length > LARGE ? { lfs: { sha256, size: bytes.length, pointerSize: 130 } } : {};
    return { rfilename: path, size: bytes.length, blobId, ...lfs };
  }

  #send(bytes: Uint8Array, range: string | undefined, response: ServerResponse): unknown {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const isProbe = range === 'bytes=0-0';
    if (first === undefined || (this.fixture.ignoresRanges && !isProbe)) {
      response.writeHead(200, { 'content-length': bytes.length, etag: '"x"' });
      return this.#body(bytes, response, isProbe);
    }
    const part = bytes.subarray(Number(first), Number(last) + 1);
    response.writeHead(206, {
      'content-length': part.length,
      'content-range': `bytes ${first}-${last}/${bytes.length}`,
      etag: '"x"',
    });
    return this.#body(part, response, isProbe);
  }

  #body(bytes: Uint8Array, response: ServerResponse, isProbe: boolean): unknown {
    const limit = isProbe || bytes.length < LARGE ? undefined : this.fixture.breakAfter?.shift();
    if (limit === undefined) return response.end(bytes);
    // Time to read what came: a stream that breaks drops what it still holds.
    return response.write(bytes.subarray(0, limit), () => setTimeout(() => response.destroy(), limit > 0 ? 300 : 0));
  }
}

function reply(response: ServerResponse, status: number, value: unknown): unknown {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
