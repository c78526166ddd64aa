/**
 * Several tabs, and tabs that nobody looks at. The library is the built one, in a worker, as a page has it.
 */
import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { type BuiltServer, serveBuilt } from './server.ts';

const PHOTO = '/test/fixtures/vit-cifar10/test-00345.png';

let server: BuiltServer;
test.beforeAll(async () => {
  server = await serveBuilt();
});
test.afterAll(() => server.close());

/** A tab with the library, and no model yet. */
async function openTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.origin);
  await page.evaluate(async () => {
    const library = '/lib/index.js';
    Object.assign(globalThis, { library: await import(library) });
  });
  return page;
}

/** Loads and asks once. */
function best(page: Page, backend: string): Promise<{ label: string; warnings: string[] }> {
  return page.evaluate(
    async ({ backend, photo }) => {
      const { loadViT } = (globalThis as unknown as { library: typeof import('../../src/index.ts') }).library;
      const warnings: string[] = [];
      const vit = await loadViT('/weights/vit-cifar10/model.json', {
        backend: backend as 'cpu',
        onEvent: ({ message }) => warnings.push(message),
      });
      const [{ label }] = await vit.classify(photo);
      vit.dispose();
      return { label, warnings };
    },
    { backend, photo: PHOTO },
  );
}

test('four tabs load one model at once, and a fifth needs no shard', async ({ context }) => {
  const tabs = await Promise.all([1, 2, 3, 4].map(() => openTab(context)));
  const answers = await Promise.all(tabs.map((tab) => best(tab, 'cpu')));
  for (const answer of answers) expect(answer).toEqual({ label: answers[0].label, warnings: [] });
  const fifth = await openTab(context);
  server.log.length = 0;
  expect(await best(fifth, 'cpu')).toEqual(answers[0]);
  expect(server.log.filter((path) => path.endsWith('.bin'))).toEqual([]);
});

test('offline, once it was loaded', async ({ context }) => {
  const tab = await openTab(context);
  const { label } = await best(tab, 'cpu');
  server.refuse = (path) => path.startsWith('/weights/');
  try {
    expect(await best(tab, 'cpu')).toEqual({ label, warnings: [] });
  } finally {
    server.refuse = () => false;
  }
});

test('a hidden tab goes on answering', async ({ context }) => {
  const tab = await openTab(context);
  await tab.evaluate(
    async ({ photo }) => {
      const { loadViT } = (globalThis as unknown as { library: typeof import('../../src/index.ts') }).library;
      const vit = await loadViT('/weights/vit-cifar10/model.json', { backend: 'webgpu' });
      Object.assign(globalThis, { vit, photo });
    },
    { photo: PHOTO },
  );
  const front = await context.newPage();
  await front.bringToFront();
  const answers = await tab.evaluate(async () => {
    const { vit, photo } = globalThis as unknown as { vit: import('../../src/index.ts').ViT; photo: string };
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    // Nothing may wait for a frame: a hidden tab gets none.
    globalThis.requestAnimationFrame = () => 0;
    return Promise.all(Array.from({ length: 20 }, () => vit.classify(photo)));
  });
  expect(answers).toHaveLength(20);
  for (const answer of answers) expect(answer).toEqual(answers[0]);
});
