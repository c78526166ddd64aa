import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { FAMILIES, safetensorsFile } from '../harness/checkpoints.ts';
import { HubServer, MADE_UP, TIMM_CONFIG } from '../harness/hub-server.ts';
import { QUICKER, quickPauses } from '../harness/quick-pauses.ts';
import { runCommand } from '../harness/terminal.ts';
import { numbersTokenizer } from '../harness/words.ts';

quickPauses();

const scratch = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const { commit: COMMIT, files } = MADE_UP;
const MODEL = files['model.safetensors'];
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

let folder: string;
let out: string;
let hub: HubServer;
let endpoint: string;

beforeEach(async () => {
  folder = mkdtempSync(join(scratch, 'test-'));
  out = join(folder, 'model');
  hub = new HubServer({ ...MADE_UP });
  endpoint = await hub.start();
  vi.stubEnv('HF_ENDPOINT', endpoint);
  vi.stubEnv('HF_TOKEN', '');
});
afterEach(() => {
  hub.stop();
  vi.unstubAllEnvs();
});

const fetchModel = (...flags: string[]) =>
  runCommand('fetch', MADE_UP.repo, '--out', out, '--cache', join(folder, 'cache'), ...flags);

const cached = () => readdirSync(join(folder, 'cache', 'somebody--vit-made-up', COMMIT)).sort();
const readModel = () => parseManifest(JSON.parse(readFileSync(join(out, 'model.json'), 'utf8')), 'model.json');
const downloads = () => hub.requests.filter(({ url, range }) => url.includes('/resolve/') && range !== 'bytes=0-0');

describe('fetch', () => {
  test('downloads, verifies and converts in one go, with labels, preprocessing and licence of the repository', async () => {
    const { exitCode, printed, warned } = await fetchModel();
    expect([exitCode, warned]).toEqual([0, '']);
    expect(printed).toContain('somebody/vit-made-up, commit 0123456789ab, licence mit');
    expect(printed).toContain('model.safetensors: 6.1 kB, hash verified');
    const manifest = readModel();
    expect(manifest).toMatchObject({
      name: 'model',
      labels: ['cat', 'dog', 'bird'],
      architecture: { heads: 2, imageSize: [8, 8] },
      preprocess: { filter: 'bicubic', mean: [0.1, 0.2, 0.3] },
    });
    expect(manifest.source).toEqual({
      repository: `${endpoint}/somebody/vit-made-up`,
      revision: COMMIT,
      license: 'mit',
      sha256: createHash('sha256').update(MODEL).digest('hex'),
    });
    // What is not needed is not downloaded, and nothing partial is left.
    expect(cached()).toEqual(['config.json', 'model.safetensors']);
    expect(readdirSync(folder).sort()).toEqual(['cache', 'model']);
  });

  test('shows how far it is, and takes that away at the end', async () => {
    const { progressed } = await fetchModel();
    const percents = progressed.flatMap((line) => /^model\.safetensors: (\d+) % of 6\.1 kB$/.exec(line)?.[1] ?? []);
    expect(percents[0]).toBe('0');
    expect(percents.at(-1)).toBe('100');
    expect(percents.map(Number)).toEqual(percents.map(Number).sort((a, b) => a - b));
    expect(progressed).toContain('writing 100 %');
    expect(progressed).toContain('computing the golden 100 %');
    expect(progressed.at(-1)).toBe('');
  });

  test('takes the tokenizer of a model with texts along, verified', async () => {
    const clip = (name: string) => new Uint8Array(readFileSync(new URL(`hf-clip/${name}`, FAMILIES)));
    const tokenizer = json(numbersTokenizer(64));
    hub.fixture.files = {
      'config.json': clip('config.json'),
      'model.safetensors': clip('model.safetensors'),
      'tokenizer.json': tokenizer,
    };
    const flags = [
      '--resize',
      'squash:32x32',
      '--filter',
      'bicubic',
      '--crop',
      'none',
      '--mean',
      '0,0,0',
      '--std',
      '1,1,1',
    ];
    const { exitCode, warned } = await fetchModel(...flags);
    expect([exitCode, warned]).toEqual([0, '']);
    expect(cached()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    const { words } = readModel();
    const sha256 = createHash('sha256').update(tokenizer).digest('hex');
    expect(words?.tokenizer).toEqual({ file: 'tokenizer.json', bytes: tokenizer.length, sha256 });
    expect(readFileSync(join(out, 'tokenizer.json'))).toEqual(Buffer.from(tokenizer));
  });

  test('asks for what a repository without config.json does not say', async () => {
    const { 'config.json': _, ...rest } = MADE_UP.files;
    hub.fixture.files = rest;
    const { exitCode, warned } = await fetchModel();
    expect([exitCode, existsSync(out)]).toEqual([1, false]);
    for (const flag of [
      '--heads N, or --config',
      '--pooling class|patches|all',
      '--norm-first or --norm-last',
      '--resize',
      '--filter',
      '--mean',
    ])
      expect(warned).toContain(flag);
    hub.requests.length = 0;
    const told =
      '--architecture vit_tiny_patch4_8 --heads 2 --resize squash:8x8 --filter bilinear --mean .5,.5,.5 --std .5,.5,.5'.split(
        ' ',
      );
    expect((await fetchModel(...told)).warned).toBe('');
    expect(downloads()).toEqual([]);
  });

  test('uses what is in the cache, and flags before what the repository says', async () => {
    await fetchModel();
    hub.requests.length = 0;
    const { exitCode } = await fetchModel('--force', '--heads', '4', '--license', 'apache-2.0', '--name', 'mine');
    expect(exitCode).toBe(0);
    expect(downloads()).toEqual([]);
    expect(readModel()).toMatchObject({ name: 'mine', architecture: { heads: 4 }, source: { license: 'apache-2.0' } });
  });

  test('takes a revision, and the endpoint by flag', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
    expect((await fetchModel('--endpoint', `${endpoint}/`, '--revision', COMMIT)).exitCode).toBe(0);
    const { exitCode, warned } = await fetchModel('--endpoint', endpoint, '--revision', 'v9', '--force');
    expect([exitCode, warned]).toEqual([1, `error: There is no ${endpoint}/somebody/vit-made-up with revision v9.`]);
  });

  test.each([
    ['a tag', { cardData: undefined, tags: ['vit', 'license:bsd'] }, 'bsd'],
    ['a name of its own', { cardData: { license: 'other', license_name: 'dinov3' } }, 'dinov3'],
    ['nothing', { cardData: undefined }, undefined],
  ])('the licence may stand in %s', async (_, fixture, license) => {
    Object.assign(hub.fixture, fixture);
    expect((await fetchModel()).exitCode).toBe(0);
    expect(readModel().source.license).toBe(license);
  });

  test('downloads every part of a checkpoint in several files', async () => {
    const header = JSON.parse(new TextDecoder().decode(MODEL.subarray(8, 8 + MODEL[0] + 256 * MODEL[1])));
    const data = MODEL.slice(8 + MODEL[0] + 256 * MODEL[1]);
    const names = Object.keys(header);
    const part = (wanted: string[]) => {
      let end = 0;
      const entries = wanted.map((name) => {
        const bytes = data.slice(...header[name].data_offsets);
        const data_offsets = [end, end + bytes.length];
        end += bytes.length;
        return { bytes, entry: [name, { ...header[name], data_offsets }] };
      });
      const packed = Buffer.concat(entries.map(({ bytes }) => bytes));
      return safetensorsFile(Object.fromEntries(entries.map(({ entry }) => entry)), packed);
    };
    const weight_map = Object.fromEntries(names.map((name, i) => [name, i < 5 ? 'a.safetensors' : 'b.safetensors']));
    hub.fixture.files = {
      'config.json': json(TIMM_CONFIG),
      'model.safetensors.index.json': json({ metadata: {}, weight_map }),
      'a.safetensors': part(names.slice(0, 5)),
      'b.safetensors': part(names.slice(5)),
    };
    expect((await fetchModel()).warned).toBe('');
    expect(cached()).toEqual(Object.keys(hub.fixture.files).sort((a, b) => (a < b ? -1 : 1)));
    const files = ['model.safetensors.index.json', 'a.safetensors', 'b.safetensors'];
    const list = files.map((name) => {
      return `${createHash('sha256').update(hub.fixture.files[name]).digest('hex')}  ${name}\n`;
    });
    expect(readModel().source.sha256).toBe(createHash('sha256').update(list.join('')).digest('hex'));

    delete hub.fixture.files['b.safetensors'];
    rmSync(join(folder, 'cache'), { recursive: true });
    expect((await fetchModel('--force')).warned).toContain('names b.safetensors, which the repository does not have');
  });

  test('asks which file is meant where that is not clear', async () => {
    const { 'model.safetensors': model, ...others } = MADE_UP.files;
    hub.fixture.files = { ...others, 'small.safetensors': model, 'large.pt': model, 'training_args.bin': json(1) };
    expect((await fetchModel()).warned).toContain('Give --file small.safetensors or --file large.pt.');
    expect((await fetchModel('--file', 'none.pt')).warned).toContain('the repository has no such file');
    expect((await fetchModel('--file', 'small.safetensors')).exitCode).toBe(0);
    hub.fixture.files = others;
    expect((await fetchModel('--force')).warned).toContain(
      'The repository has no checkpoint; it has config.json, README.md',
    );
  });
});

describe('a download that breaks', () => {
  test('is taken up where it broke, in the same run', async () => {
    hub.fixture.breakAfter = [1500, 2000];
    expect((await fetchModel()).warned).toBe('');
    const ranges = downloads().filter(({ url }) => url.endsWith('model.safetensors'));
    expect(ranges.map(({ range }) => range)).toEqual(['bytes=0-6059', 'bytes=1500-6059', 'bytes=3500-6059']);
    expect(readModel().labels).toHaveLength(3);
  });

  test('is taken up by the next run', async () => {
    hub.fixture.breakAfter = [1500, 0, 0, 0];
    const { exitCode, warned } = await fetchModel();
    expect(exitCode).toBe(1);
    expect(warned).toMatch(/^error: http:\/\/127\.0\.0\.1:\d+ cannot be reached: /);
    expect(cached()).toEqual(['config.json', 'model.safetensors.partial']);
    expect(existsSync(out)).toBe(false);

    hub.requests.length = 0;
    expect((await fetchModel()).exitCode).toBe(0);
    expect(downloads().map(({ range }) => range)).toEqual(['bytes=1500-6059']);
    expect(cached()).toEqual(['config.json', 'model.safetensors']);
  });

  test('by a server that fails is asked for again', async () => {
    hub.fixture.statuses = [503, 500];
    expect((await fetchModel()).warned).toBe('');
    expect(readModel().labels).toHaveLength(3);
  });

  test('but not where asking again is what the Hub minds', async () => {
    hub.fixture.statuses = [429];
    const { warned } = await fetchModel();
    expect(warned).toMatch(/^error: .* asks to wait: too many requests\. Try again later, or set HF_TOKEN\.$/);
    expect(hub.requests.filter(({ url }) => url.includes('/resolve/'))).toHaveLength(1);
  });

  test('waits where the Hub says how long', async () => {
    Object.assign(hub.fixture, { statuses: [429], retryAfter: 1 });
    const start = Date.now();
    expect((await fetchModel()).warned).toBe('');
    expect(Date.now() - start).toBeGreaterThanOrEqual(1000 / QUICKER);
  });

  test('begins anew where the server does not send parts', async () => {
    Object.assign(hub.fixture, { breakAfter: [1500], ignoresRanges: true });
    expect((await fetchModel()).warned).toBe('');
    expect(readModel().labels).toHaveLength(3);
  });

  test('that was taken up from other bytes is thrown away, and the next run is whole', async () => {
    const place = join(folder, 'cache', 'somebody--vit-made-up', COMMIT);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'model.safetensors.partial'), new Uint8Array(1000).fill(7));
    expect((await fetchModel()).warned).toMatch(/arrived with the hash .*Fetch it again\.$/);
    expect(cached()).toEqual(['config.json']);
    expect((await fetchModel()).exitCode).toBe(0);
  });

  test('does not use a partial file that is too long', async () => {
    const place = join(folder, 'cache', 'somebody--vit-made-up', COMMIT);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'model.safetensors.partial'), new Uint8Array(7000));
    expect((await fetchModel()).exitCode).toBe(0);
  });
});

describe('what the Hub refuses, and what is not as it says', () => {
  test('a repository that is not there', async () => {
    const { exitCode, warned } = await runCommand('fetch', 'nobody/nothing', '--out', out, '--cache', folder);
    expect([exitCode, warned]).toEqual([1, `error: There is no ${endpoint}/nobody/nothing with revision main.`]);
  });

  test('one that was renamed is had under its new name', async () => {
    hub.fixture.renamedFrom = 'somebody/old-name';
    const { exitCode, printed } = await runCommand(
      ...['fetch', 'somebody/old-name', '--out', out, '--cache', join(folder, 'cache')],
    );
    expect(exitCode).toBe(0);
    expect(printed).toContain('somebody/vit-made-up, commit 0123456789ab');
    expect(readModel().source.repository).toBe(`${endpoint}/somebody/vit-made-up`);
    expect(cached()).toContain('model.safetensors');
  });

  test('an address that is no Hub', async () => {
    const server = createServer((_, response) => response.end('<!doctype html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect((await fetchModel()).warned).toMatch(/does not answer in JSON: is it a Hub\?$/);
    server.close();
  });

  test('a private one, without a token and with one', async () => {
    hub.fixture.token = 'hf_secret';
    expect((await fetchModel()).warned).toContain('needs a token, or does not exist. Set HF_TOKEN');
    vi.stubEnv('HF_TOKEN', 'hf_other');
    expect((await fetchModel()).warned).toContain('is not open to the token of HF_TOKEN');
    vi.stubEnv('HF_TOKEN', 'secret');
    expect((await fetchModel()).warned).toContain('HF_TOKEN is no token of the Hub: those begin with hf_.');
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    expect((await fetchModel()).exitCode).toBe(0);
  });

  test('a gated one, whose files alone are closed', async () => {
    Object.assign(hub.fixture, { token: 'hf_secret', gated: true });
    expect((await fetchModel()).warned).toContain('needs a token, or does not exist. Set HF_TOKEN');
    vi.stubEnv('HF_TOKEN', 'hf_other');
    const { exitCode, warned } = await fetchModel();
    expect(exitCode).toBe(1);
    expect(warned).toContain('is not open to the token of HF_TOKEN, or does not exist. Ask for access on its page.');
    expect(warned).toContain('You are not in the authorized list');
    expect(existsSync(out)).toBe(false);
    hub.fixture.errorCode = 'GatedRepo';
    expect((await fetchModel()).warned).toContain(
      'is gated: accept its conditions on that page, and set HF_TOKEN to a token of the account that did.',
    );
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    expect((await fetchModel()).exitCode).toBe(0);
  });

  test('the token goes to the Hub alone', async () => {
    Object.assign(hub.fixture, { token: 'hf_secret', cdn: true });
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    expect((await fetchModel()).exitCode).toBe(0);
    const model = downloads().filter(({ url }) => url.endsWith('model.safetensors'));
    expect(model.map(({ authorization }) => authorization)).toEqual(['Bearer hf_secret', undefined]);
  });

  test('files of the Xet store come by plain requests', async () => {
    hub.fixture.xet = true;
    expect((await fetchModel()).warned).toBe('');
  });

  test.each(['config.json', 'model.safetensors'])('a wrong hash of %s', async (file) => {
    hub.fixture.wrongHash = [file];
    const { exitCode, warned } = await fetchModel();
    expect(exitCode).toBe(1);
    expect(warned).toMatch(new RegExp(`error: ${file} arrived with the hash [0-9a-f]+, but .* lists [0-9a-f]+`));
    expect(cached()).not.toContain(file);
    expect(cached()).not.toContain(`${file}.partial`);
    expect(existsSync(out)).toBe(false);
  });

  test('a name that leaves the folder', async () => {
    hub.fixture.files = { ...MADE_UP.files, '../../escaped.pt': MODEL };
    expect((await fetchModel('--file', '../../escaped.pt')).warned).toContain('is no path within it');
    expect(existsSync(join(folder, 'cache', 'escaped.pt'))).toBe(false);
  });

  test('a Hub that is not there', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
    expect((await fetchModel()).warned).toMatch(/^error: http:\/\/127\.0\.0\.1:1 cannot be reached: .*\.$/);
    vi.stubEnv('HF_ENDPOINT', 'ftp://hub');
    expect((await fetchModel()).warned).toBe('error: ftp://hub is not the URL of a Hub.');
  });

  test('a folder that is taken, before anything is downloaded', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'precious'), 'x');
    expect((await fetchModel()).warned).toContain('model is not empty');
    expect(hub.requests).toEqual([]);
  });

  test('what is no repository', async () => {
    expect((await runCommand('fetch', '../x', '--out', out)).exitCode).toBe(2);
  });
});
