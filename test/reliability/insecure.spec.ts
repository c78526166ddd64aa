/**
 * A page on plain `http://`, in a home or office network: no `crypto.subtle`, no store, no WebGPU. And a model of another
 * origin that does not let pages read it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { CHROME_ARGS } from '../harness/chrome-args.ts';
import { TIMM_CONFIG } from '../harness/hub-server.ts';
import { runEngineInWorker } from './engine-in-worker.ts';
import { type BuiltServer, serveBuilt } from './server.ts';

const HOST = 'printer.home';
// The first rule that fits holds.
const RULE = '--host-resolver-rules=';
test.use({
  launchOptions: {
    executablePath: process.env.CHROME_PATH,
    args: CHROME_ARGS.map((arg) => arg.replace(RULE, `${RULE}MAP ${HOST} 127.0.0.1, `)),
  },
});

let server: BuiltServer;
test.beforeAll(async () => {
  server = await serveBuilt();
});
test.afterAll(() => server.close());

/** Loads `model` in a worker and classifies a picture, or gives the error. */
function classify(page: Page, model: string) {
  return page.evaluate(async (model) => {
    const { loadViT } = (await import('/lib/index.js' as string)) as typeof import('../../src/index.ts');
    const events: string[] = [];
    try {
      const vit = await loadViT(model, { onEvent: ({ message }) => events.push(message) });
      const [{ label }] = await vit.classify(new ImageData(40, 30));
      vit.dispose();
      return { isSecureContext, backend: vit.info.backend, label, events };
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { code, message };
    }
  }, model);
}

test('a page without https is answered by the CPU, from files that were checked', async ({ page }) => {
  await page.goto(server.origin);
  const right = await classify(page, '/weights/vit-cifar10/model.json');
  expect(right).toMatchObject({ isSecureContext: true });
  await page.goto(server.origin.replace('localhost', HOST));
  expect(await classify(page, '/weights/vit-cifar10/model.json')).toEqual({
    isSecureContext: false,
    backend: 'cpu',
    label: (right as { label: string }).label,
    events: [],
  });
  const manifest = JSON.parse(readFileSync('weights/vit-cifar10/model.json', 'utf8'));
  for (const { file, bytes } of manifest.shards) server.extra.set(`/altered/${file}`, new Uint8Array(bytes));
  server.extra.set('/altered/model.json', Buffer.from(JSON.stringify(manifest)));
  expect(await classify(page, '/altered/model.json')).toMatchObject({ code: 'bad-shard' });
});

test('without the file that checks: one warning, and the answer', async ({ page }) => {
  server.refuse = (path) => path === '/lib/sha256.js';
  await page.goto(server.origin.replace('localhost', HOST));
  const outcome = await classify(page, '/weights/vit-cifar10/model.json');
  server.refuse = () => false;
  expect(outcome).toMatchObject({ backend: 'cpu', events: [expect.stringMatching(/no checks of what is loaded/)] });
});

test('a worker of the CPU that dies is missed by its silence, and the job done again', async ({ page }) => {
  await page.goto(server.origin.replace('localhost', HOST));
  const outcome = await runEngineInWorker(
    page,
    `
      // Its clock is fast.
      const { setInterval } = globalThis;
      globalThis.setInterval = (tick, milliseconds) => setInterval(tick, milliseconds / 20);
      const events = [];
      const onEvent = ({ type }) => events.push(type);
      const options = { worker: false, backend: 'cpu', threads: 3, onEvent };
      const vit = await loadViT(self.origin + '/weights/vit-cifar10/model.json', options);
      const data = Float32Array.from({ length: 8 * 3072 }, (_, i) => Math.sin(i * i));
      const run = async () => String((await vit.forward({ data, shape: [8, 3, 32, 32] })).logits.data);
      const before = await run();
      const again = [];
      for (const milliseconds of [0, 5]) {
        const running = run();
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        workers.at(-1).terminate();
        again.push((await running) === before);
      }
      // Whoever has nothing to do owes no sign of life.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      again.push((await run()) === before);
      vit.dispose();
      postMessage({ isSecureContext, threads: vit.info.cpu.threads, again, events });`,
  );
  expect(outcome).toEqual({
    isSecureContext: false,
    threads: 3,
    again: [true, true, true],
    events: ['device-lost', 'recovered', 'device-lost', 'recovered'],
  });
});

test('a checkpoint that is dropped on such a page is converted', async ({ page }) => {
  await page.goto(server.origin.replace('localhost', HOST));
  await page.setContent('<input type="file">');
  await page.setInputFiles('input', 'test/fixtures/checkpoints/vit.safetensors');
  const answer = await page.evaluate(async (config) => {
    const { loadViT } = (await import('/lib/index.js' as string)) as typeof import('../../src/index.ts');
    const vit = await loadViT(document.querySelector('input')!.files!, { convert: { config } });
    const [{ label }] = await vit.classify(new ImageData(8, 8));
    return { isSecureContext, backend: vit.info.backend, label, sha256: vit.info.source.sha256 };
  }, TIMM_CONFIG);
  expect(answer).toEqual({
    isSecureContext: false,
    backend: 'cpu',
    label: expect.stringMatching(/^(cat|dog|bird)$/),
    sha256: createHash('sha256').update(readFileSync('test/fixtures/checkpoints/vit.safetensors')).digest('hex'),
  });
});

test('a model that another origin does not let this page read: the word CORS, and the header', async ({ page }) => {
  const other = await serveBuilt();
  await page.goto(server.origin);
  const outcome = await classify(page, `${other.origin}weights/vit-cifar10/model.json`);
  other.close();
  const { origin } = new URL(server.origin);
  expect(outcome).toMatchObject({ code: 'network', message: expect.stringContaining('CORS') });
  expect((outcome as { message: string }).message).toContain(`"Access-Control-Allow-Origin: ${origin}"`);
});
