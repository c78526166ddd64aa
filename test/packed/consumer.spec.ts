/**
 * The package, installed in an empty folder and used from a bare HTML page without any bundler. What is not in `files` is
 * missed here.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { expect, test } from '@playwright/test';
import { installPackage } from './install.ts';

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' };
/** The strictest policy that the library promises to work under. */
const POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self'";

const PAGE =
  '<!doctype html><title>consumer</title><link rel="icon" href="data:,"><script type="module" src="app.js"></script>';
const APP = `
import { loadViT, ViTError, checkSupport } from './node_modules/vit-webgpu/dist/lib/index.js';

globalThis.result = (async () => {
  const support = await checkSupport();
  const vit = await loadViT('./node_modules/vit-webgpu/weights/vit-cifar10/model.json', { backend: 'webgpu' });
  const canvas = new OffscreenCanvas(64, 48);
  canvas.getContext('2d').fillRect(8, 8, 30, 20);
  const labels = await vit.classify(canvas);
  const { data: attention, shape } = await vit.attend(canvas);
  const refused = await vit.classify(new Blob(['x'])).catch((error) => error);
  vit.dispose();
  return { support, backend: vit.info.backend, labels, shape, attention: attention.every((share) => share > 0), refused: [refused instanceof ViTError, refused.code] };
})();
`;

let folder: string;
let server: Server;

test.beforeAll(async () => {
  folder = installPackage();
  writeFileSync(join(folder, 'index.html'), PAGE);
  writeFileSync(join(folder, 'app.js'), APP);
  server = createServer(({ url }, response) => {
    const path = normalize(new URL(url!, 'http://localhost').pathname);
    const file = path === '/' ? '/index.html' : path;
    try {
      const body = readFileSync(join(folder, file));
      response.writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'content-security-policy': file === '/trusted.html' ? `${POLICY}; require-trusted-types-for 'script'` : POLICY,
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

test.afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test('classifies in a worker from static files, under a strict Content-Security-Policy', async ({ page }) => {
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const foreign: string[] = [];
  const errors: string[] = [];
  const scripts: string[] = [];
  page.on('request', (request) => {
    if (/\.js$/.test(request.url())) scripts.push(request.url().split('/').at(-1)!);
    if (!request.url().startsWith(origin) && !request.url().startsWith('blob:')) foreign.push(request.url());
  });
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => 'result' in globalThis);
  const result = await page.evaluate(() => (globalThis as unknown as { result: Promise<unknown> }).result);
  expect(result).toMatchObject({
    support: { webgpu: true, reason: null },
    backend: 'webgpu',
    // Of 32 x 32 pixels in patches of 4: by an annex, which comes when it is asked for.
    shape: [8, 8],
    attention: true,
    refused: [true, 'bad-image'],
  });
  const { labels } = result as { labels: { label: string; score: number }[] };
  expect(labels).toHaveLength(5);
  expect(labels[0].score).toBeGreaterThan(0.1);
  await expect.poll(() => page.workers(), 'dispose() ends the worker').toHaveLength(0);
  // The core, what a new GPU is tested with, and what was asked for; nothing else of the library.
  expect(scripts.slice(0, 3)).toEqual(['app.js', 'index.js', 'worker.js']);
  expect(scripts.slice(3, -1).sort()).toEqual(['kernels.js', 'reference.js']);
  expect(scripts.at(-1)).toBe('attend.js');
  expect(foreign).toEqual([]);
  expect(errors).toEqual([]);
});

test('the element shows what is in a picture, from static files, under the same policy', async ({ page }) => {
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  cpSync('public/samples/dog.jpg', join(folder, 'dog.jpg'));
  const library = './node_modules/vit-webgpu';
  writeFileSync(
    join(folder, 'element.html'),
    `<!doctype html><title>element</title><link rel="icon" href="data:,">
     <script type="module" src="${library}/dist/apps/element.js"></script>
     <vit-classifier model="${library}/weights/vit-cifar10/model.json" src="dog.jpg" top-k="1"></vit-classifier>`,
  );
  await page.goto(`${origin}/element.html`);
  await expect(page.locator('vit-classifier [part=label]')).toHaveText('dog', { timeout: 30_000 });
  expect(errors).toEqual([]);
});

test('a page with Trusted Types makes the worker itself, as docs/csp.md has it', async ({ page }) => {
  const library = './node_modules/vit-webgpu';
  const address = `${library}/dist/lib/worker.js`;
  writeFileSync(
    join(folder, 'trusted.js'),
    `import { loadViT } from '${library}/dist/lib/index.js';
     const policy = trustedTypes.createPolicy('vit-webgpu', { createScriptURL: (address) => address });
     const worker = () => new Worker(policy.createScriptURL('${address}'), { type: 'module' });
     const load = (options) => loadViT('${library}/weights/vit-cifar10/model.json', { backend: 'webgpu', ...options });
     const refused = await load({}).catch(({ code }) => code);
     const labels = await (await load({ worker })).classify({ data: new Uint8Array(192), width: 8, height: 8 });
     globalThis.result = { refused, labels: labels.length };`,
  );
  writeFileSync(join(folder, 'trusted.html'), PAGE.replace('app.js', 'trusted.js'));
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/trusted.html`);
  await page.waitForFunction(() => 'result' in globalThis);
  const result = await page.evaluate(() => (globalThis as unknown as { result: unknown }).result);
  expect(result).toEqual({ refused: 'network', labels: 5 });
});

test('the types are there for a consumer that checks its libraries', () => {
  writeFileSync(
    join(folder, 'use.ts'),
    `import { type Classification, loadViT, ViTError } from 'vit-webgpu';
     import { type Decode, loadViT as loadInNode } from 'vit-webgpu/node';
     const decode: Decode = (bytes) => ({ data: bytes, width: 1, height: 1 });
     await (await loadInNode('folder', { decode })).classify('photo.jpg');
     const vit = await loadViT('model.json', { onProgress: ({ loaded, total }) => console.log(loaded / total) });
     const labels: Classification[] = await vit.classify(new Blob());
     const many: Classification[][] = await vit.classify([new Blob()]);
     if (labels[0].score > many[0][0].score) throw new ViTError('aborted', 'no');
     // @ts-expect-error: an option that does not exist
     await vit.classify(new Blob(), { top: 5 });`,
  );
  const compiler = join(process.cwd(), 'node_modules/.bin/tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom'];
  const { stdout, status } = spawnSync(compiler, [...options, 'use.ts'], { cwd: folder, encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test('exactly these names are exported', async ({ page }) => {
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  const names = await page.evaluate(async () => {
    const path = './node_modules/vit-webgpu/dist/lib/index.js';
    return Object.keys(await import(path)).sort();
  });
  expect(names).toEqual(['ViTError', 'cachedModels', 'checkSupport', 'clearCache', 'loadViT']);
});
