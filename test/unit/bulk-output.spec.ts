/**
 * Outputs of many pictures: each picture once, in parts that follow from the list alone; interrupted and gone on with; and
 * nothing of another model, list or task beside them.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bucketRequest } from '../../src/bulk/bucket.ts';
import { computeMissing } from '../../src/bulk/compute-missing.ts';
import type { Computer } from '../../src/bulk/computer.ts';
import { beginOutput, missingParts, openOutput } from '../../src/bulk/output.ts';
import { countErrors, partPaths, readPart } from '../../src/bulk/part-files.ts';
import { pictureBytes } from '../../src/bulk/picture-bytes.ts';
import { locate, readPictureList } from '../../src/bulk/picture-list.ts';
import type { EmbedRow } from '../../src/bulk/schema.ts';
import type { PixelData } from '../../src/index.ts';
import { writePictures } from '../harness/pictures.ts';

const work = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
const pictures = join(work, 'pictures');
const BAD = ['empty.png', 'noise.jpg', 'vector.svg.png'];
let names: string[];
beforeAll(async () => {
  names = await writePictures(pictures, 23);
  writeFileSync(join(pictures, 'empty.png'), '');
  writeFileSync(join(pictures, 'noise.jpg'), 'no picture');
  writeFileSync(join(pictures, 'vector.svg.png'), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  writeFileSync(join(pictures, 'notes.txt'), 'none');
  writeFileSync(join(pictures, '.hidden.png'), 'none');
  mkdirSync(join(pictures, 'folder.png'));
});
afterAll(() => rmSync(work, { recursive: true }));

const model = { path: '/models/tiny/model.json', name: 'tiny', sha256: 'a'.repeat(64) };
const wanted = { task: 'embed', topK: null, model, partSize: 5 } as const;

/** A sum for each channel, as an embedding. @param onCall called with every list of pictures */
function sums(onCall: (count: number) => void = () => {}): Computer {
  const compute = async (some: PixelData[]) => {
    onCall(some.length);
    return some.map(({ data }) => {
      const vector = new Float32Array(3);
      for (let i = 0; i < data.length; i++) if (i % 4 < 3) vector[i % 4] += data[i] * (i % 97);
      return { vector };
    });
  };
  return { task: 'embed', topK: null, model, dimension: 3, orientation: 'exif', models: [compute, compute], batch: 2 };
}

let outputs = 0;
const newFolder = () => join(work, `output-${outputs++}`);
const begin = async (folder: string, changes: object = {}, what: string[] = [pictures]) =>
  beginOutput(folder, { ...wanted, ...changes }, await readPictureList(what));

async function rowsOf(folder: string): Promise<EmbedRow[]> {
  const parts = await Promise.all((await partPaths(folder)).map(readPart));
  return parts.flatMap(({ rows }) => rows as EmbedRow[]);
}

/** Files of the parts, by name. */
const bytesOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );

describe('an output', () => {
  test('has each picture once, in the order of the list, and a row with its error for a bad one', async () => {
    const folder = newFolder();
    const output = await begin(folder);
    await computeMissing(output, sums());
    const rows = await rowsOf(folder);
    expect(rows.map(({ id }) => id)).toEqual([...names, ...BAD].sort());
    const bad = rows.filter(({ vector }) => vector === null);
    expect(bad.map(({ id }) => id)).toEqual(BAD);
    expect(bad[0].error).toBe('The image is empty (0 bytes).');
    for (const { error } of bad) expect(error).not.toContain(work);
    for (const { vector, error } of rows.filter(({ id }) => names.includes(id)))
      expect([vector?.length, error]).toEqual([3, null]);
    expect(new Set(rows.map(({ vector }) => String(vector))).size).toBe(names.length + 1);
    const parts = await Promise.all((await partPaths(folder)).map(readPart));
    expect(parts.map(({ rows, info: { part, parts } }) => [part, parts, rows.length])).toEqual([
      ...[0, 1, 2, 3, 4].map((part) => [part, 6, 5]),
      [5, 6, 1],
    ]);
    const errors = await Promise.all((await partPaths(folder)).map(countErrors));
    expect(errors.reduce((sum, count) => sum + count)).toBe(BAD.length);
    for (const { info } of parts) expect(info).toMatchObject({ model: model.sha256, name: 'tiny', dimension: 3 });
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('that was interrupted goes on where it was, and is the same in the end', async () => {
    const whole = newFolder();
    await computeMissing(await begin(whole), sums());
    const folder = newFolder();
    const abort = new AbortController();
    let asked = 0;
    const counted = sums((count) => {
      asked += count;
      if (asked >= 13) abort.abort();
    });
    await expect(computeMissing(await begin(folder), counted, { signal: abort.signal })).rejects.toThrow();
    const there = await partPaths(folder);
    expect(there.length).toBeGreaterThan(0);
    // As a process leaves it that is killed while it writes.
    writeFileSync(join(folder, '.part-00003.parquet.0123'), 'half');
    const output = await begin(folder, { partSize: null });
    expect(output.job.partSize).toBe(5);
    const missing = await missingParts(output);
    expect(missing).toHaveLength(6 - there.length);
    let again = 0;
    let told = 0;
    await computeMissing(
      output,
      sums((count) => (again += count)),
      { onDone: (count) => (told += count) },
    );
    expect(told).toBe(26 - 5 * there.length);
    // The bad ones are asked about by nobody.
    expect(again).toBeLessThanOrEqual(told);
    expect(bytesOf(folder)).toEqual(bytesOf(whole));
    await computeMissing(
      await begin(folder),
      sums(() => expect.fail('nothing is missing')),
    );
  });

  test('of another model, list, task or shape is refused, by what differs and the way out', async () => {
    const folder = newFolder();
    await computeMissing(await begin(folder), sums());
    const before = bytesOf(folder);
    const other = { path: '/models/other/model.json', name: 'other', sha256: 'b'.repeat(64) };
    for (const [changes, what, message] of [
      [{ model: other }, [pictures], 'is of the model tiny \\(a{12}\\), not of other \\(b{12}\\)'],
      [{}, [join(pictures, '0')], 'is of another list: 26 pictures \\(\\w{12}\\), not 23 pictures'],
      [{ task: 'classify', topK: 5 }, [pictures], 'was made by embed, not by classify'],
      [{ partSize: 6 }, [pictures], 'has parts of 5 pictures, not 6'],
    ] as const)
      await expect(begin(folder, changes, [...what])).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(new RegExp(`${message}.*\\. Give another folder\\.$`)),
      });
    expect(bytesOf(folder)).toEqual(before);
    const strange = { ...sums(), model: other };
    const output = await begin(folder);
    rmSync(join(folder, 'part-00000.parquet'));
    await expect(computeMissing(output, strange)).rejects.toMatchObject({ code: 'bad-input' });
  });

  test('does not begin in a folder with something else, in a file, or in what is no output', async () => {
    await expect(begin(pictures)).rejects.toThrow(`${pictures} holds something else`);
    await expect(begin(join(pictures, 'notes.txt'))).rejects.toMatchObject({ code: 'bad-input' });
    const folder = newFolder();
    mkdirSync(folder);
    for (const text of ['{', '{}', '{ "format": "vit-webgpu-output", "version": 2 }', 'null']) {
      writeFileSync(join(folder, 'job.json'), text);
      await expect(begin(folder)).rejects.toMatchObject({ code: 'bad-input' });
    }
  });

  test('is opened elsewhere as it was begun, and not with another list', async () => {
    const folder = newFolder();
    const output = await begin(folder);
    expect(await openOutput(folder)).toEqual(output);
    const moved = join(work, 'moved');
    cpSync(pictures, moved, { recursive: true });
    expect((await begin(folder, {}, [moved])).job.pictures.root).toBe(moved);
    expect((await openOutput(folder)).job.pictures.root).toBe(moved);
    rmSync(moved, { recursive: true });
    await expect(computeMissing(await openOutput(folder), sums())).rejects.toThrow('is not there');
    writeFileSync(join(folder, 'pictures.txt'), 'a.png\n');
    await expect(openOutput(folder)).rejects.toThrow('is not the list of job.json');
    await expect(openOutput(join(work, 'none'))).rejects.toMatchObject({ code: 'bad-input' });
  });
});

describe('a list of pictures', () => {
  test('is a folder, a text file or pictures, each once', async () => {
    const list = join(pictures, 'notes.txt');
    writeFileSync(list, '\uFEFF0/p00001.png\r\n\r\nhttps://example.com/a.jpg?b c\n0/p00001.png\n/absolute.png');
    expect(await readPictureList([list])).toEqual({
      ids: ['0/p00001.png', 'https://example.com/a.jpg?b c', '/absolute.png'],
      root: pictures,
      repeated: 1,
    });
    const addresses = ['https://example.com/1', 'b.jpg', 'https://example.com/1'];
    expect(await readPictureList(addresses)).toMatchObject({ ids: addresses.slice(0, 2), repeated: 1 });
    expect(await readPictureList(['c.webp'])).toMatchObject({ ids: ['c.webp'] });
    for (const path of ['./c.webp', '../photos/c.webp', '.hidden/c.webp']) {
      expect(await readPictureList([path])).toMatchObject({ ids: [path] });
    }
  });

  test('that is empty, not there, mixed or unspeakable is refused', async () => {
    const empty = join(work, 'empty.txt');
    writeFileSync(empty, '\n \n');
    const broken = join(work, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'a\nb.png'), '');
    for (const [what, message] of [
      [[empty], 'There is no picture in'],
      [[join(work, 'none')], 'There is no folder and no list'],
      [['a.png', pictures], 'is no picture by its name'],
      [[broken], 'has a line break'],
    ] as const)
      await expect(readPictureList(what)).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(message),
      });
  });
});

describe('bytes of an address', () => {
  test('are asked for again where the server is at fault, and not where the picture is', async () => {
    const asked: Record<string, number> = {};
    const server = createServer(({ url = '' }, response) => {
      asked[url] = (asked[url] ?? 0) + 1;
      if (url === '/later' && asked[url] === 3) response.end('here');
      else if (url === '/cut') response.socket!.destroy();
      else response.writeHead(url === '/gone' ? 404 : 503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const bytes = (path: string) => pictureBytes(origin + path, undefined, [0, 0]);
    try {
      expect(Buffer.from(await bytes('/later')).toString()).toBe('here');
      await expect(bytes('/gone')).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('404') });
      await expect(bytes('/never')).rejects.toMatchObject({ code: 'network', message: expect.stringContaining('503') });
      await expect(bytes('/cut')).rejects.toMatchObject({ code: 'network', message: /cannot be fetched/ });
      expect(asked).toEqual({ '/later': 3, '/gone': 1, '/never': 3, '/cut': 3 });
    } finally {
      server.close();
    }
  });

  test('in a bucket are asked for as its protocol wants it, signed where there are credentials', async () => {
    const key = 's3://shop/photos/a b?#é+.jpg';
    const path = '/shop/photos/a%20b%3F%23%C3%A9%2B.jpg';
    const free = await bucketRequest(key, { AWS_REGION: 'eu-central-1' });
    expect([free.url, free.headers.get('authorization')]).toEqual([
      `https://s3.eu-central-1.amazonaws.com${path}`,
      null,
    ]);
    const asked: { url?: string; authorization?: string; token?: unknown }[] = [];
    const server = createServer(({ url, headers }, response) => {
      asked.push({ url, authorization: headers.authorization, token: headers['x-amz-security-token'] });
      response.end('here');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    vi.stubEnv('AWS_REGION', 'eu-west-3');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'token');
    try {
      expect(Buffer.from(await pictureBytes(locate('/root', key))).toString()).toBe('here');
      const scope =
        /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-west-3\/s3\/aws4_request, SignedHeaders=.*host.*, Signature=[\da-f]{64}$/;
      expect(asked).toEqual([{ url: path, authorization: expect.stringMatching(scope), token: 'token' }]);
    } finally {
      vi.unstubAllEnvs();
      server.close();
    }
  });

  test('of a file say what is wrong with it, without where it is; a failing disk is no matter of the picture', async () => {
    for (const [path, message] of [
      [join(work, 'none.png'), 'There is no such file.'],
      [join(pictures, '0', 'p00001.png', 'x.png'), 'There is no such file.'],
      [pictures, 'It is a folder.'],
    ])
      await expect(pictureBytes(path)).rejects.toMatchObject({ code: 'bad-image', message });
    await expect(pictureBytes('a\0b')).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });
});
