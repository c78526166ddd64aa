/**
 * Where a model's files are asked for: beside its `model.json`, with its token, where a redirect leads, and what is said
 * when a page may not read them. The servers are real ones.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ModelFiles } from '../../src/interface.ts';
import { ShardAddresses } from '../../src/weights/shard-addresses.ts';
import { openSource } from '../../src/weights/source.ts';
import { sha256 } from '../../src/weights/verify.ts';
import { quickPauses } from '../harness/quick-pauses.ts';
import { tinyModel } from '../harness/tiny-model.ts';

quickPauses();

let files: ModelFiles;
beforeAll(async () => {
  files = await tinyModel();
});

const stops: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const stop of stops.splice(0)) stop();
});

/** Serves the files of `files` below any path. @param answer returns true for what it answers itself */
async function serve(answer: (url: URL, response: ServerResponse, request: IncomingMessage) => boolean) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://localhost');
    asked.push(`${url.pathname}${url.search}`);
    if (answer(url, response, request)) return;
    const file = url.pathname.split('/').at(-1)!;
    if (file === 'model.json') response.end(JSON.stringify(files.manifest));
    else response.end(files.shards[files.manifest.shards.findIndex((shard) => shard.file === file)]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** @returns how many shards came */
async function readAll(url: string): Promise<number> {
  const { signal } = new AbortController();
  const source = await openSource(url, { cache: false, hash: sha256, warn() {} });
  const manifest = await source.readManifest(signal);
  let count = 0;
  for await (const shard of source.readShards(manifest, () => {}, signal)) {
    expect(Buffer.compare(shard, files.shards[count])).toBe(0);
    count++;
  }
  return count;
}

const redirect = (response: ServerResponse, location: string) => !!response.writeHead(302, { location }).end();
const refuse = (response: ServerResponse, status: number) => !!response.writeHead(status).end();

describe('a token', () => {
  test('of the model.json goes with every shard', async () => {
    const { origin } = await serve((url, response) => url.search !== '?token=a%2Fb' && refuse(response, 403));
    expect(await readAll(`${origin}/m/model.json?token=a%2Fb`)).toBe(files.shards.length);
  });

  test('goes where a redirect within the origin leads, and not to another one', async () => {
    const address = async (answered: string) =>
      new ShardAddresses('https://a.test/m/model.json?token=1', answered).first('s.bin', async (url) => url);
    expect(await address('https://a.test/m/model.json?token=1')).toBe('https://a.test/m/s.bin?token=1');
    expect(await address('https://a.test/v2/model.json')).toBe('https://a.test/v2/s.bin?token=1');
    expect(await address('https://a.test/v2/model.json?t=2')).toBe('https://a.test/v2/s.bin?t=2');
    expect(await address('https://b.test/v2/model.json')).toBe('https://b.test/v2/s.bin');
  });
});

describe('a redirect of model.json', () => {
  test('takes the shards with it', async () => {
    const { origin, asked } = await serve(
      (url, response) => url.pathname === '/latest/model.json' && redirect(response, '/v3/model.json'),
    );
    expect(await readAll(`${origin}/latest/model.json`)).toBe(files.shards.length);
    expect(asked).toEqual([
      '/latest/model.json',
      '/v3/model.json',
      ...files.manifest.shards.map((s) => `/v3/${s.file}`),
    ]);
  });

  test('to a place without shards: they are where they were asked for, and the other place is not asked again', async () => {
    const store = await serve((url, response) => !url.pathname.endsWith('model.json') && refuse(response, 404));
    const { origin } = await serve(
      (url, response) => url.pathname.endsWith('model.json') && redirect(response, `${store.origin}/blob/model.json`),
    );
    expect(await readAll(`${origin}/m/model.json`)).toBe(files.shards.length);
    // Two shards are on their way at once.
    expect(store.asked.length).toBeLessThanOrEqual(3);
  });
});

describe('as a page', () => {
  /** What a browser does with answers that do not allow its page to read them. */
  function pretendBrowser(): void {
    vi.stubGlobal('origin', 'https://page.test');
    const { fetch } = globalThis;
    vi.stubGlobal('fetch', async (input: string, init: RequestInit = {}) => {
      const response = await fetch(input, init);
      const allowed = response.headers.get('access-control-allow-origin');
      if (init.mode === 'no-cors' || allowed === '*' || allowed === origin) return response;
      throw new TypeError('Failed to fetch');
    });
  }

  test('refused by CORS: the word, the header to send, and no five attempts', async () => {
    pretendBrowser();
    const { origin, asked } = await serve(() => false);
    const url = `${origin}/m/model.json`;
    await expect(readAll(url)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/CORS.*"Access-Control-Allow-Origin: https:\/\/page\.test"/),
    });
    expect(asked).toHaveLength(3);
  });

  test('a server that is away is not called a case of CORS', async () => {
    pretendBrowser();
    const { origin } = await serve((_url, response) => !!response.destroy());
    await expect(readAll(`${origin}/m/model.json`)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/Check the connection/),
    });
  });

  test('a line that broke once is tried again', async () => {
    pretendBrowser();
    let first = true;
    const { origin } = await serve((_url, response) => {
      response.setHeader('access-control-allow-origin', '*');
      if (!first) return false;
      first = false;
      return !!response.destroy();
    });
    expect(await readAll(`${origin}/m/model.json`)).toBe(files.shards.length);
  });
});
