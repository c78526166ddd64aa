import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, type Served, serve } from '../../src/cli/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
let server: Served;

beforeAll(async () => {
  mkdirSync(join(folder, 'public', 'deeper'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'public', 'index.js'), 'export {}');
  writeFileSync(join(folder, 'public', 'deeper', 'a b.bin'), Uint8Array.of(1, 2, 3));
  const files = await filesBelow('/lib', join(folder, 'public'));
  server = await serve(new Map([...files, ['/gone.png', join(folder, 'gone.png')]]));
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** As it is written: `fetch` would tidy the path first. */
function get(path: string): Promise<{ status?: number; type?: string; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.origin);
    request({ hostname, port, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          type: response.headers['content-type'],
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

test('serves what was listed, and a blank page', async () => {
  expect(await get('/lib/index.js')).toEqual({ status: 200, type: 'text/javascript', body: 'export {}' });
  expect(await get('/lib/deeper/a%20b.bin')).toMatchObject({ status: 200, body: '\x01\x02\x03' });
  expect(await get('/')).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
  expect(server.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test('serves nothing else', async () => {
  for (const path of [
    '/secret.txt',
    '/lib/../secret.txt',
    '/lib/%2e%2e/secret.txt',
    '/lib/..%2fsecret.txt',
    '/lib/../../secret.txt',
    `/lib/${folder}/secret.txt`,
    '//etc/passwd',
    '/lib',
    '/lib/',
    '/lib/deeper',
    '/constructor',
  ]) {
    const { status, body } = await get(path);
    expect([path, status, body]).toEqual([path, 404, '']);
  }
});

test('a listed file that is gone is an error of the server, which lives on', async () => {
  expect(await get('/gone.png')).toMatchObject({ status: 500 });
  expect(await get('/lib/index.js')).toMatchObject({ status: 200 });
});
