/**
 * The process that drives the GPU is killed, with calls under way, as a driver's fault or a sleeping laptop would. The
 * library is the built one, in a worker, as a page has it.
 */
import { readdirSync } from 'node:fs';
import { type Browser, chromium, expect, type Page, test } from '@playwright/test';
import { CHROME_ARGS } from '../harness/chrome-args.ts';
import { type BuiltServer, serveBuilt, serveTinyModel } from './server.ts';

const PHOTOS = readdirSync('test/fixtures/vit-cifar10')
  .filter((file) => file.endsWith('.png'))
  .slice(0, 24);
/** Without it the second crash within minutes takes WebGPU away from the page. */
const UNLIMITED = ['--disable-domain-blocking-for-3d-apis', '--disable-gpu-process-crash-limit'];

let server: BuiltServer;
let browser: Browser;

test.beforeAll(async () => {
  server = await serveBuilt();
  await serveTinyModel(server);
});

test.afterAll(() => server.close());

test.afterEach(() => browser.close());

type Answers = { label: string; score: number }[];

/** What the page's script has at hand. */
interface Scene {
  vit: import('../../src/index.ts').ViT;
  events: string[];
  /** Calls answered since the last `askUntilLost`. */
  answered: number;
  photos: (Blob | OffscreenCanvas)[];
}
declare const scene: Scene;

interface Choice {
  /** In the page itself instead of in a worker. */
  worker?: false;
  /** Drawn on canvases, which may lie on the GPU, instead of as files. */
  onCanvas?: boolean;
  /** SwiftShader says that it is a GPU, which is what `auto` takes. In the page alone: a worker has globals of its own. */
  asHardware?: boolean;
}

async function open(
  backend: 'auto' | 'webgpu',
  args: string[],
  { worker, onCanvas = false, asHardware = false }: Choice = {},
): Promise<Page> {
  browser = await chromium.launch({ executablePath: process.env.CHROME_PATH, args: [...CHROME_ARGS, ...args] });
  const page = await browser.newPage();
  if (asHardware) {
    await page.addInitScript(() => {
      const claims = { isFallbackAdapter: false, architecture: 'unheard-of', description: '' };
      for (const [name, value] of Object.entries(claims)) {
        Object.defineProperty(GPUAdapterInfo.prototype, name, { get: () => value });
      }
    });
  }
  await page.goto(server.origin);
  await page.evaluate(
    async ({ backend, names, worker, onCanvas }) => {
      const library = '/lib/index.js';
      const { loadViT } = (await import(library)) as typeof import('../../src/index.ts');
      const events: string[] = [];
      const draw = async (photo: Blob) => {
        // Chrome keeps small canvases in memory and puts larger ones on the GPU.
        const canvas = new OffscreenCanvas(640, 480);
        canvas.getContext('2d')!.drawImage(await createImageBitmap(photo), 0, 0, 640, 480);
        return canvas;
      };
      const photos = await Promise.all(
        names.map(async (name) => {
          const photo = await (await fetch(`/test/fixtures/vit-cifar10/${name}`)).blob();
          return onCanvas ? draw(photo) : photo;
        }),
      );
      const vit = await loadViT('/tiny/model.json', {
        backend,
        worker,
        onEvent: ({ type }) => events.push(type),
      });
      Object.assign(globalThis, { scene: { vit, events, answered: 0, photos } });
    },
    { backend, names: PHOTOS, worker, onCanvas },
  );
  return page;
}

/** Classifies every photo, in calls of their own: no two have the same answer. */
async function ask(page: Page): Promise<Answers[]> {
  const answers = await page.evaluate(() => Promise.all(scene.photos.map((photo) => scene.vit.classify(photo))));
  expect(new Set(answers.map(([best]) => best.score.toFixed(4))).size).toBe(PHOTOS.length);
  return answers;
}

/** The same again and again, until the GPU is lost while some of the calls are under way; errors by their code. */
function askUntilLost(page: Page): Promise<(Answers | string)[][]> {
  return page.evaluate(async () => {
    const rounds: (Answers | string)[][] = [];
    const before = scene.events.length;
    scene.answered = 0;
    while (scene.events.length === before) {
      const calls = scene.photos.map((photo) => scene.vit.classify(photo).finally(() => scene.answered++));
      rounds.push(await Promise.all(calls.map((call) => call.catch((error) => error.code as string))));
    }
    return rounds;
  });
}

/** Kills the process while photos are asked for, and some have been answered. */
async function crash(page: Page): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  await page.waitForFunction(() => scene.answered > 2, null, { polling: 1 });
  await session.send('Browser.crashGpuProcess');
}

function expectSame(actual: (Answers | string)[], expected: Answers[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  for (const [photo, answer] of actual.entries()) {
    if (typeof answer === 'string') throw new Error(`photo ${photo} was refused: ${answer}`);
    const wanted = expected[photo];
    expect(answer[0].label).toBe(wanted[0].label);
    for (const { label, score } of answer) {
      const same = wanted.find((one) => one.label === label);
      if (same) expect(Math.abs(score - same.score)).toBeLessThanOrEqual(tolerance);
    }
  }
}

const events = (page: Page) => page.evaluate(() => scene.events);

const CHOICES: [string, Choice][] = [
  ['files, in a worker', {}],
  ['canvases, in the page', { worker: false, onCanvas: true }],
];

for (const [what, choice] of CHOICES) {
  test(`twice, and WebGPU comes back: every photo gets its answer, from a GPU (${what})`, async () => {
    const page = await open('webgpu', UNLIMITED, choice);
    const expected = await ask(page);
    for (let crashes = 1; crashes <= 2; crashes++) {
      const rounds = askUntilLost(page);
      await crash(page);
      for (const answers of await rounds) expectSame(answers, expected, 0);
      await expect.poll(() => events(page)).toEqual(new Array(crashes).fill(['device-lost', 'recovered']).flat());
    }
    expect(await page.evaluate(() => scene.vit.info.backend)).toBe('webgpu');
    expect(page.workers()).toHaveLength(choice.worker === false ? 0 : 1);
  });
}

test('twice, and the browser takes WebGPU away: the CPU answers the rest', async () => {
  const page = await open('auto', [], { worker: false, asHardware: true });
  const expected = await ask(page);
  for (let crashes = 1; crashes <= 2; crashes++) {
    const rounds = askUntilLost(page);
    await crash(page);
    // The same network in float64: measured 2e-6.
    for (const answers of await rounds) expectSame(answers, expected, 1e-4);
  }
  await expect.poll(() => events(page)).toEqual(['device-lost', 'recovered', 'device-lost', 'fallback']);
  expect(await page.evaluate(() => scene.vit.info)).toMatchObject({ backend: 'cpu', adapter: null });
});

test('twice, with the CPU not allowed: right answers, then device-lost, and no call hangs', async () => {
  const page = await open('webgpu', []);
  const expected = await ask(page);
  const first = askUntilLost(page);
  await crash(page);
  for (const answers of await first) expectSame(answers, expected, 0);
  const second = askUntilLost(page);
  await crash(page);
  const answers = (await second).flat();
  const refused = answers.filter((answer) => typeof answer === 'string');
  expect(new Set(refused)).toEqual(new Set(['device-lost']));
  expect(refused.length).toBeLessThan(answers.length);
  for (const [i, answer] of answers.entries()) {
    const wanted = expected[i % expected.length];
    if (typeof answer !== 'string') expectSame([answer], [wanted], 0);
  }
});
