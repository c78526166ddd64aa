/**
 * A checkpoint of the Hub as a model, without a command line: by which requests it comes, and what is said when it does not.
 * Nothing is kept in Node; what a browser keeps is `test/reliability/checkpoint.spec.ts`.
 */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/checkpoint/open-checkpoint-source.ts';
import { bytesSource } from '../../src/convert/byte-source.ts';
import { convertCheckpoint } from '../../src/convert/convert.ts';
import { openCheckpoint as openTensors } from '../../src/convert/open-checkpoint.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import { type LoadOptions, loadViT } from '../../src/index.ts';
import { withDefaults } from '../../src/model/architecture.ts';
import { ModelCache } from '../../src/weights/model-cache.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import type { ModelSource } from '../../src/weights/source.ts';
import { sha256 } from '../../src/weights/verify.ts';
import { safetensorsFile } from '../harness/checkpoints.ts';
import { checkpointBytes } from '../harness/formats.ts';
import { HubServer, MADE_UP, TIMM_CONFIG } from '../harness/hub-server.ts';
import { QUICKER, quickPauses } from '../harness/quick-pauses.ts';

const { commit: COMMIT, files } = MADE_UP;
const MODEL = files['model.safetensors'];
const ADDRESS = `hf:${MADE_UP.repo}`;

let hub: HubServer;
let endpoint: string;
let warnings: string[];

quickPauses();

beforeEach(async () => {
  hub = new HubServer({ ...MADE_UP });
  endpoint = await hub.start();
  warnings = [];
});
afterEach(() => hub.stop());

const open = (address = ADDRESS, options: Pick<LoadOptions, 'convert' | 'hub'> = {}) =>
  openCheckpoint(address, {
    ...options,
    hub: { endpoint, ...options.hub },
    ModelCache,
    parseManifest,
    hash: sha256,
    warn: (message) => warnings.push(message),
  });

const { signal } = new AbortController();

async function readAll(source: ModelSource) {
  const manifest = await source.readManifest(signal);
  let arrived = 0;
  const shards: Uint8Array[] = [];
  for await (const shard of source.readShards(manifest, (bytes) => (arrived += bytes), signal)) {
    shards.push(shard.slice());
  }
  return { manifest, shards, arrived };
}

const load = async (...args: Parameters<typeof open>) => readAll(await open(...args));
const downloads = () => hub.requests.filter(({ url }) => url.includes('/resolve/'));

describe('a repository', () => {
  test('gives what convert gives, to the bit: the manifest but for its golden, and every shard', async () => {
    const sink = new MemorySink();
    const converted = await convertCheckpoint(await openTensors(bytesSource(MODEL)), sink, {
      name: 'vit-made-up',
      config: TIMM_CONFIG,
      source: {
        repository: `${endpoint}/${MADE_UP.repo}`,
        revision: COMMIT,
        license: 'mit',
        sha256: createHash('sha256').update(MODEL).digest('hex'),
      },
    });
    const { manifest, shards, arrived } = await load();
    const architecture = withDefaults(converted.architecture);
    expect({ ...manifest, golden: undefined }).toEqual({ ...converted, architecture, golden: undefined });
    expect(shards).toEqual(converted.shards.map(({ file }) => sink.files.get(file)));
    expect(arrived).toBe(converted.shards.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(warnings).toEqual([]);
  });

  test('is loaded and answers', async () => {
    const vit = await loadViT(ADDRESS, { worker: false, backend: 'cpu', hub: { endpoint } });
    expect(vit.info).toMatchObject({ name: 'vit-made-up', labels: ['cat', 'dog', 'bird'], backend: 'cpu' });
    expect(await vit.classify({ data: new Uint8Array(8 * 8 * 3), width: 8, height: 8 })).toHaveLength(3);
    await expect(vit.selfTest()).rejects.toMatchObject({ code: 'bad-input' });
    vit.dispose();
  });
});

describe('asks the Hub', () => {
  test('for what it says of the repository, the config, the head of the checkpoint, and then for all of it', async () => {
    await load();
    expect(hub.requests.map(({ url, range }) => `${url} ${range ?? ''}`)).toEqual([
      `/api/models/${MADE_UP.repo}/revision/main `,
      `/${MADE_UP.repo}/resolve/${COMMIT}/model.safetensors bytes=0-6059`,
      `/${MADE_UP.repo}/resolve/${COMMIT}/config.json bytes=0-${files['config.json'].length - 1}`,
      `/${MADE_UP.repo}/resolve/${COMMIT}/model.safetensors bytes=0-6059`,
    ]);
  });

  test('for a revision', async () => {
    expect((await load(`${ADDRESS}@${COMMIT}`)).manifest.source.revision).toBe(COMMIT);
    await expect(load(`${ADDRESS}@v9`)).rejects.toMatchObject({
      code: 'network',
      message: `There is no ${endpoint}/${MADE_UP.repo} with revision v9.`,
    });
  });

  test('and nobody else: the token goes to it alone, and not where it redirects', async () => {
    Object.assign(hub.fixture, { token: 'hf_secret', cdn: true });
    await load(ADDRESS, { hub: { token: 'hf_secret' } });
    const model = downloads().filter(({ url }) => url.endsWith('model.safetensors'));
    const twice = ['Bearer hf_secret', undefined];
    expect(model.map(({ authorization }) => authorization)).toEqual([...twice, ...twice]);
  });

  test('with the fetch that was given', async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = (input, init) => {
      asked.push(String(input));
      return globalThis.fetch(input, init);
    };
    await load(ADDRESS, { hub: { fetch } });
    expect(asked).toHaveLength(hub.requests.length);
  });

  test('under its new name where it was renamed', async () => {
    hub.fixture.renamedFrom = 'somebody/old-name';
    const { manifest } = await load('hf:somebody/old-name');
    expect(manifest).toMatchObject({
      name: 'vit-made-up',
      source: { repository: `${endpoint}/${MADE_UP.repo}` },
    });
  });
});

describe('a checkpoint in several files', () => {
  test('is that of one file', async () => {
    const header = JSON.parse(new TextDecoder().decode(MODEL.subarray(8, 8 + MODEL[0] + 256 * MODEL[1])));
    const data = MODEL.slice(8 + MODEL[0] + 256 * MODEL[1]);
    const names = Object.keys(header);
    const part = (wanted: string[]) => {
      let end = 0;
      const pieces: Uint8Array[] = [];
      const entries = wanted.map((name) => {
        const bytes = data.slice(...(header[name].data_offsets as [number, number]));
        pieces.push(bytes);
        end += bytes.length;
        return [name, { ...header[name], data_offsets: [end - bytes.length, end] }];
      });
      return safetensorsFile(Object.fromEntries(entries), Buffer.concat(pieces));
    };
    const half = names.length / 2;
    const weight_map = Object.fromEntries(names.map((name, i) => [name, i < half ? 'a.safetensors' : 'b.safetensors']));
    const whole = await load();
    hub.fixture.files = {
      'config.json': files['config.json'],
      'model.safetensors.index.json': new TextEncoder().encode(JSON.stringify({ metadata: {}, weight_map })),
      'a.safetensors': part(names.filter((_, i) => i < half)),
      'b.safetensors': part(names.filter((_, i) => i >= half)),
    };
    const { manifest, shards } = await load();
    expect(shards).toEqual(whole.shards);
    expect(manifest.source.sha256).not.toBe(whole.manifest.source.sha256);
    expect(manifest.source.sha256).toMatch(/^[0-9a-f]{64}$/);

    delete hub.fixture.files['b.safetensors'];
    await expect(load()).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/no file b\.safe/),
    });
  });

  test('of PyTorch comes the same way', async () => {
    const whole = await load();
    const saved = checkpointBytes('vit-training.pth');
    hub.fixture.files = { 'config.json': files['config.json'], 'pytorch_model.bin': saved };
    const { manifest, shards } = await load();
    expect(shards).toEqual(whole.shards);
    expect(manifest.source.sha256).toBe(createHash('sha256').update(saved).digest('hex'));
  });
});

describe('what no file says is asked', () => {
  const bare = () => {
    const { 'config.json': _, ...rest } = MADE_UP.files;
    hub.fixture.files = rest;
  };
  const told = {
    architecture: 'vit_tiny_patch4_8',
    heads: 2,
    preprocess: {
      resize: { mode: 'squash', height: 8, width: 8 },
      filter: 'bilinear',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
  } as const;

  test('as data, before the checkpoint is downloaded, and answered by options of the same names', async () => {
    bare();
    const error = await loadViT(ADDRESS, { worker: false, hub: { endpoint } }).catch((error) => error);
    expect(error).toMatchObject({ code: 'unsupported-model' });
    const names = error.questions.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['heads', 'pooling', 'preprocess.filter']));
    for (const { why } of error.questions) expect(why).toMatch(/\.$/);
    const { manifest } = await load(ADDRESS, { convert: told as never });
    expect(manifest.architecture).toMatchObject({ heads: 2 });
  });

  test.for<[object, RegExp]>([
    [{ head: 3 }, /convert has no head; there are .*heads/],
    [{ heads: 'three' }, /convert\.heads must be a whole number from 1 on, not "three"/],
    [{ dtype: 'q4' }, /convert\.dtype must be one of f32, f16/],
    [{ layout: 'keras' }, /convert\.layout must be one of auto, /],
    [{ labels: 'cat' }, /convert\.labels must be an array/],
    [{ preprocess: { filter: 'sinc' } }, /convert\.preprocess\.filter must be one of nearest/],
    [{ preprocess: { sizes: 1 } }, /convert\.preprocess has no sizes/],
    [{ file: 'none.pt' }, /convert\.file none\.pt: the repository has no such file/],
  ])('%j is refused', async ([convert, message]) => {
    await expect(load(ADDRESS, { convert: convert as never })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(message),
    });
  });

  test.for<[string, object, RegExp]>([
    ['hf:', {}, /"hf:" names no repository of the Hub: give hf:owner\/name/],
    ['hf:a/b/c', {}, /names no repository/],
    ['hf:../x', {}, /names no repository/],
    [ADDRESS, { endpoint: 'ftp://hub' }, /ftp:\/\/hub is not the URL of a Hub/],
    [ADDRESS, { proxy: 'x' }, /hub has no proxy; there are endpoint, token, fetch/],
    [ADDRESS, { fetch: 'x' }, /hub\.fetch must be a function/],
    [ADDRESS, { token: 'secret' }, /hub\.token is no token of the Hub: those begin with hf_/],
  ])('%s %j is refused', async ([address, options, message]) => {
    await expect(load(address, { hub: options as never })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(message),
    });
  });
});

describe('a Hub that refuses', () => {
  const refused = (token?: string) => load(ADDRESS, { hub: token === undefined ? {} : { token } });
  const network = (message: RegExp) => ({ code: 'network', message: expect.stringMatching(message) });

  test('without a token, with another one, and where conditions have to be accepted', async () => {
    hub.fixture.token = 'hf_secret';
    await expect(refused()).rejects.toMatchObject(network(/needs a token, or does not exist\. Set hub\.token to one/));
    await expect(refused('hf_other')).rejects.toMatchObject(network(/is not open to the token of hub\.token/));
    Object.assign(hub.fixture, { gated: true, errorCode: 'GatedRepo' });
    await expect(refused('hf_other')).rejects.toMatchObject(
      network(/is gated: accept its conditions on that page, and set hub\.token to a token of the account/),
    );
    expect((await refused('hf_secret')).shards.length).toBeGreaterThan(0);
  });

  test('for now: it is asked again after as long as it says', async () => {
    Object.assign(hub.fixture, { statuses: [429, 503], retryAfter: 1 });
    const start = Date.now();
    expect((await load()).shards.length).toBeGreaterThan(0);
    expect(Date.now() - start).toBeGreaterThanOrEqual(2000 / QUICKER);
    Object.assign(hub.fixture, { statuses: [429], retryAfter: undefined });
    await expect(load()).rejects.toMatchObject(network(/asks to wait: too many requests/));
  });

  test('and one that is away', async () => {
    await expect(load(ADDRESS, { hub: { endpoint: 'http://127.0.0.1:1' } })).rejects.toMatchObject(
      network(/^http:\/\/127\.0\.0\.1:1 cannot be reached: /),
    );
  });
});

describe('a download', () => {
  test('that breaks is taken up where it broke', async () => {
    const whole = await load();
    hub.requests.length = 0;
    hub.fixture.breakAfter = [undefined, 1500, 2000];
    const { shards, arrived } = await load();
    expect(shards).toEqual(whole.shards);
    expect(arrived).toBe(whole.arrived);
    const model = downloads().filter(({ url }) => url.endsWith('model.safetensors'));
    expect(model.map(({ range }) => range)).toEqual([
      'bytes=0-6059', // The head.
      'bytes=0-6059',
      'bytes=1500-6059',
      'bytes=3500-6059',
    ]);
  });

  test('that breaks for good is an error with the reason', async () => {
    hub.fixture.breakAfter = [undefined, 1500, 0, 0, 0];
    await expect(load()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/cannot be reached/),
    });
  });

  test('of a server that sends no parts is whole', async () => {
    const whole = await load();
    Object.assign(hub.fixture, { ignoresRanges: true, breakAfter: [undefined, 1500] });
    expect((await load()).shards).toEqual(whole.shards);
  });

  test.each(['config.json', 'model.safetensors'])('of other bytes than the Hub lists: %s', async (file) => {
    hub.fixture.wrongHash = [file];
    const answered = loadViT(ADDRESS, { worker: false, backend: 'cpu', hub: { endpoint } });
    await expect(answered).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(new RegExp(`^${file} arrived with the hash [0-9a-f]+, but .* lists [0-9a-f]+`)),
    });
  });

  test('ends when loading is aborted', async () => {
    hub.fixture.breakAfter = [undefined, 1500, 0, 0, 0];
    const controller = new AbortController();
    const loading = loadViT(ADDRESS, {
      worker: false,
      backend: 'cpu',
      hub: { endpoint },
      signal: controller.signal,
      onProgress: ({ loaded }) => loaded > 0 && controller.abort(),
    });
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  });
});
