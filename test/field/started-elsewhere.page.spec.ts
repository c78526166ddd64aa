/**
 * Where else a library is started: within other kinds of workers, sandboxed frames, from another origin, with a worker that is
 * none of its own. It works, or says which way does.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { expect, type Page, test } from '@playwright/test';

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.json': 'application/json', '.png': 'image/png' };
const servers: Server[] = [];
/** The page's, one of the library that any page may use, and one that allows nobody. */
let page1: string;
let open: string;
let closed: string;

/** What is at the paths of the page's own server. */
const SCRIPTS: Record<string, string> = {};

async function serve(headers: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url!, 'http://localhost').pathname);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (path === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html><title>test</title>');
    if (SCRIPTS[path]) return response.setHeader('content-type', 'text/javascript').end(SCRIPTS[path]);
    try {
      const file = readFileSync(join(path.startsWith('/lib/') ? 'dist' : '.', path));
      return response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(file);
    } catch {
      return response.writeHead(404).end();
    }
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** Loads the embedded model with `options`, classifies, and gives a label or an error as a string. */
const ANSWER = `async (library, model, options) => {
  const picture = { data: new Uint8Array(4 * 32 * 32).fill(90), width: 32, height: 32 };
  try {
    const vit = await library.loadViT(model, options);
    const [best] = await vit.classify(picture);
    vit.dispose();
    return best.label;
  } catch (error) {
    return (error instanceof library.ViTError ? error.code : 'RAW ' + error.name) + ': ' + error.message;
  }
}`;

test.beforeAll(async () => {
  page1 = await serve({});
  open = await serve({ 'access-control-allow-origin': '*' });
  closed = await serve({});
  const model = '/weights/vit-cifar10/model.json';
  const answer = `(${ANSWER})(library, '${model}', { backend: 'cpu', cache: false })`;
  SCRIPTS['/shared.js'] =
    `import * as library from '/lib/index.js';\nconst answer = ${answer};\n` +
    'onconnect = async ({ ports: [port] }) => port.postMessage(await answer);';
  const reply = `onmessage = async ({ source }) => source.postMessage(await ${answer});`;
  SCRIPTS['/service.js'] = `import * as library from '/lib/index.js';\n${reply}`;
  SCRIPTS['/service-static.js'] = `import '/lib/host.js';\nimport * as library from '/lib/index.js';\n${reply}`;
  SCRIPTS['/silent.js'] = 'onmessage = () => {};';
});
test.afterAll(() => {
  for (const server of servers) server.close();
});

/** The label, or the error, of the library at `from` in `page`. `options` is an expression. */
function answer(page: Page, options: string, from = page1, model = `${page1}/weights/vit-cifar10/model.json`) {
  return page.evaluate(
    `(async () => (${ANSWER})(await import('${from}/lib/index.js'), '${model}', { backend: 'cpu', cache: false, ...${options} }))()`,
  ) as Promise<string>;
}

/** What an ordinary page answers. */
let label: string | undefined;
test.beforeEach(async ({ page }) => {
  await page.goto(`${page1}/`);
  label ??= await answer(page, '{}');
  expect(label).toMatch(/^[a-z]+$/);
});

test('a shared worker', async ({ page }) => {
  const got = page.evaluate(
    () =>
      new Promise((resolve) => {
        const worker = new SharedWorker('/shared.js', { type: 'module' });
        worker.port.onmessage = ({ data }) => resolve(data);
      }),
  );
  expect(await got).toBe(label);
});

/** Starts `script` as a service worker and asks it. */
async function askService(page: Page, script: string) {
  return page.evaluate(async (script) => {
    const registration = await navigator.serviceWorker.register(script, { type: 'module' });
    const worker = (registration.installing ?? registration.waiting ?? registration.active)!;
    const answer = new Promise((resolve) => {
      navigator.serviceWorker.onmessage = ({ data }) => resolve(data);
    });
    navigator.serviceWorker.startMessages();
    while (worker.state !== 'activated') await new Promise((resolve) => setTimeout(resolve, 20));
    worker.postMessage('');
    return answer;
  }, script);
}

test('a service worker, where import() is not allowed: says what to import', async ({ page }) => {
  expect(await askService(page, '/service.js')).toMatch(/^network: .*import 'vit-webgpu\/host'/);
});

test('a service worker that imports the engine itself', async ({ page }) => {
  expect(await askService(page, '/service-static.js')).toBe(label);
});

/** In a frame without an origin. */
async function answerInSandbox(page: Page, options: string, from: string) {
  await page.evaluate(() => {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    frame.srcdoc = '<!doctype html><title>sandbox</title>';
    document.body.append(frame);
    return new Promise((resolve) => {
      frame.onload = resolve;
    });
  });
  const frame = page.frames().find((one) => one.parentFrame())!;
  return answer(frame as unknown as Page, options, from, `${open}/weights/vit-cifar10/model.json`);
}

test('a sandboxed frame, which may start no worker: says what to do without one', async ({ page }) => {
  expect(await answerInSandbox(page, '{}', open)).toMatch(/^network: The engine's worker \(.*{ worker: false }/);
});

test('a sandboxed frame, in its own thread', async ({ page }) => {
  expect(await answerInSandbox(page, '{ worker: false }', open)).toBe(label);
});

test('a library of another origin', async ({ page }) => {
  expect(await answer(page, '{}', open)).toBe(label);
});

test('files of another origin that allows nobody: says which, and the ways out', async ({ page }) => {
  const message = await answer(page, `{ assets: '${closed}/lib/' }`);
  expect(message).toMatch(/^network: The engine's worker \(http:.*\/lib\/worker\.js\) could not be loaded/);
  expect(message).toContain('worker: false');
});

test.describe('a worker that is none of this library', () => {
  test('and gives no answer: the load ends', async ({ page }) => {
    await page.clock.install();
    const started = page.waitForEvent('worker');
    const message = answer(page, "{ worker: () => new Worker('/silent.js') }");
    await started;
    await page.clock.fastForward(15_000);
    expect(await message).toMatch(/^bad-input: The engine's worker \(that was given\) does not answer/);
  });

  for (const [what, options, expected] of [
    ['no worker', '{ worker: () => undefined }', /^bad-input: .*something else than a Worker: undefined/],
    [
      'a promise of one',
      "{ worker: async () => new Worker('/silent.js') }",
      /^bad-input: .*something else than a Worker: Promise/,
    ],
    ['an exception', "{ worker: () => new Worker('http://[') }", /^bad-input: .*"worker" failed: ./],
    ['a file that is not there', "{ worker: () => new Worker('/none.js') }", /^network: .*could not be loaded/],
    [
      'another release',
      '{ worker: () => new Worker(URL.createObjectURL(new Blob([\'onmessage = ({ data: { id } }) => postMessage({ id, type: "RAW", value: "0.0.1" })\']))) }',
      /^bad-input: .*is not of release/,
    ],
  ] as const) {
    test(`but ${what}`, async ({ page }) => {
      expect(await answer(page, options)).toMatch(expected);
    });
  }
});
