/**
 * Threads of the CPU in the built library, on pages of every kind: their results are those of one thread, but for the order of sums.
 */
import { expect, type Page, test } from '@playwright/test';
import { runEngineInWorker } from './engine-in-worker.ts';
import { type BuiltServer, serveBuilt } from './server.ts';

let server: BuiltServer;
test.beforeEach(async () => {
  server = await serveBuilt();
});
test.afterEach(() => server.close());

interface Asked {
  /** Where the library is. */
  library?: string;
  worker?: false;
}

/** On one thread and on two. */
function classify(page: Page, { library = '/lib/index.js', worker }: Asked = {}) {
  return page.evaluate(
    async ({ library, worker }) => {
      const { loadViT } = (await import(library as string)) as typeof import('../../src/index.ts');
      const picture = new ImageData(40, 30);
      for (let i = 0; i < picture.data.length; i++) picture.data[i] = (i * 37) % 256;
      const messages: string[] = [];
      const run = async (threads: number) => {
        const onEvent = ({ message }: { message: string }) => messages.push(message);
        const options = { backend: 'cpu', threads, onEvent, worker } as const;
        const vit = await loadViT('/weights/vit-cifar10/model.json', options);
        const [labels] = [await vit.classify(picture)];
        vit.dispose();
        return { threads: vit.info.cpu!.threads, labels };
      };
      const [one, two] = [await run(1), await run(2)];
      const isSame = one.labels.every(
        ({ label, score }, i) => two.labels[i].label === label && Math.abs(two.labels[i].score - score) < 1e-5,
      );
      return { crossOriginIsolated, isSame, threads: [one.threads, two.threads], messages };
    },
    { library, worker },
  );
}

const twoThreads = { isSame: true, threads: [1, 2], messages: [] };

test('on a plain page', async ({ page }) => {
  await page.goto(server.origin);
  expect(await classify(page)).toEqual({ crossOriginIsolated: false, ...twoThreads });
  expect(await classify(page, { worker: false })).toEqual({ crossOriginIsolated: false, ...twoThreads });
});

test('on a page that is isolated from other origins', async ({ page }) => {
  server.headers['cross-origin-opener-policy'] = 'same-origin';
  server.headers['cross-origin-embedder-policy'] = 'require-corp';
  await page.goto(server.origin);
  expect(await classify(page)).toEqual({ crossOriginIsolated: true, ...twoThreads });
  // The page's own thread may not sleep: what a member tells another goes by message.
  expect(await classify(page, { worker: false })).toEqual({ crossOriginIsolated: true, ...twoThreads });
});

test('in shared memory all outputs are those of one thread, and a worker that dies is replaced', async ({ page }) => {
  server.headers['cross-origin-opener-policy'] = 'same-origin';
  server.headers['cross-origin-embedder-policy'] = 'require-corp';
  await page.goto(server.origin);
  const result = await runEngineInWorker<{ same: boolean[]; again: boolean[]; bytes: number[]; events: string[] }>(
    page,
    `
      const outputs = ['logits', 'embedding', 'tokens', 'hidden', 'attention'];
      const data = Float32Array.from({ length: 5 * 3072 }, (_, i) => Math.sin(i * i));
      const events = [];
      const onEvent = ({ type, message }) => events.push(type + ': ' + message);
      const load = (threads, dtype) =>
        loadViT(self.origin + '/weights/vit-cifar10/model.json', { worker: false, backend: 'cpu', threads, dtype, onEvent });
      const run = async (vit, wanted) => JSON.stringify(await vit.forward({ data, shape: [5, 3, 32, 32] }, { outputs: wanted }), (_, value) =>
        ArrayBuffer.isView(value) ? [...new Uint32Array(value.buffer)] : value);
      const same = [];
      const bytes = [];
      for (const dtype of ['f32', 'f16']) {
        const answers = [];
        for (const threads of [1, 2, 3]) {
          const vit = await load(threads, dtype);
          answers.push(await run(vit, outputs));
          bytes.push((await vit.memory()).cpu);
          vit.dispose();
        }
        same.push(answers.every((answer) => answer === answers[0]));
      }
      const vit = await load(3);
      const before = await run(vit, ['hidden']);
      const again = [];
      for (const loss of [1, 2]) {
        const running = run(vit, ['hidden']);
        await new Promise((resolve) => setTimeout(resolve, 5 * (loss - 1)));
        workers.at(-1).terminate();
        again.push((await running) === before);
        // What the lost one had no part in may have been done before it was missed.
        for (const since = performance.now(); events.length < 2 * loss && performance.now() - since < 5000; )
          again.push((await run(vit, ['hidden'])) === before);
      }
      vit.dispose();
      postMessage({ same, again, bytes, events });`,
  );
  expect(result.same).toEqual([true, true]);
  expect(new Set(result.again)).toEqual(new Set([true]));
  // Weights and values are held once.
  expect(result.bytes[2] / result.bytes[0]).toBeLessThan(1.1);
  const lostAndFound = [expect.stringMatching(/^device-lost: .*it was ended/), expect.stringMatching(/^recovered/)];
  expect(result.events).toEqual([...lostAndFound, ...lostAndFound]);
});

test('with the library from another origin', async ({ page }) => {
  server.headers['access-control-allow-origin'] = '*';
  await page.goto(server.origin);
  const library = `${server.origin.replace('localhost', '127.0.0.1')}lib/index.js`;
  expect(await classify(page, { library })).toEqual({ crossOriginIsolated: false, ...twoThreads });
});

test("under a Content Security Policy that allows the page's own scripts", async ({ page }) => {
  server.headers['content-security-policy'] = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  await page.goto(server.origin);
  expect(await classify(page)).toEqual({ crossOriginIsolated: false, ...twoThreads });
});

test('under one that allows no workers there is one thread, and one warning', async ({ page }) => {
  server.headers['content-security-policy'] = "worker-src 'none'";
  await page.goto(server.origin);
  expect(await classify(page, { worker: false })).toEqual({
    crossOriginIsolated: false,
    isSame: true,
    threads: [1, 1],
    messages: [expect.stringMatching(/^The model runs on one thread: .*cpu\.js cannot be loaded/)],
  });
});
