/**
 * Pictures that servers give to elements: of another origin, without an end, another one for each request, only with
 * credentials. What the page shows is classified, and nothing is asked for again.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page, test } from '@playwright/test';
import { type BuiltServer, serveBuilt } from '../reliability/server.ts';

/** 1 x 1. */
const RED = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);
const BLUE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC',
  'base64',
);

let built: BuiltServer;
let pictures: Server;
let origin: string;
/** Paths that were asked for. */
let log: string[];
/** Of all tests, with the model. */
let page: Page;

test.beforeAll(async ({ browser }) => {
  built = await serveBuilt();
  pictures = createServer(({ url, headers }, response) => {
    log.push(url!);
    const path = new URL(url!, 'http://localhost').pathname;
    if (path !== '/forbidden.png') {
      response.setHeader('access-control-allow-origin', headers.origin ?? '*');
      response.setHeader('access-control-allow-credentials', 'true');
    }
    response.setHeader('cache-control', 'no-store');
    if (path === '/camera') {
      response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
      const send = () => {
        response.write(`--frame\r\ncontent-type: image/png\r\ncontent-length: ${RED.length}\r\n\r\n`);
        response.write(RED);
        response.write('\r\n');
      };
      send();
      const timer = setInterval(send, 50);
      response.on('close', () => clearInterval(timer));
      return;
    }
    if (path === '/private.png' && !headers.cookie) return void response.writeHead(401).end();
    response.setHeader('content-type', 'image/png');
    // Red the first time, blue from then on.
    response.end(log.filter((one) => one === url).length === 1 ? RED : BLUE);
  });
  await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}`;
  page = await browser.newPage();
  await page.goto(built.origin);
  await page.evaluate(async () => {
    const { loadViT } = await import(`${location.origin}/lib/index.js`);
    const vit = await loadViT('/weights/vit-cifar10/model.json', { backend: 'cpu', cache: false });
    const show = async (src: string, crossOrigin: string | null = null) => {
      const image = new Image();
      image.crossOrigin = crossOrigin;
      image.src = src;
      document.body.append(image);
      await new Promise((resolve, reject) => {
        image.onload = resolve;
        image.onerror = reject;
      });
      return image;
    };
    const colour = async (image: unknown) => {
      const pixels = await vit.preprocess(image, { ...vit.info.preprocess, resize: null, crop: null });
      return [...pixels.data.slice(0, 3)].join();
    };
    const refusal = (error: { name: string; code: string; message: string }) =>
      `${error.name} ${error.code}: ${error.message}`;
    Object.assign(globalThis, { vit, show, colour, refusal });
  });
});
test.afterAll(async () => {
  await page.close();
  built.close();
  pictures.closeAllConnections();
  pictures.close();
});

test.beforeEach(() => {
  log = [];
});

// Of the page, where the functions run that are given to `evaluate`.
declare const vit: import('../../src/index.ts').ViT;
declare function show(src: string, crossOrigin?: string | null): Promise<HTMLImageElement>;
declare function colour(image: unknown): Promise<string>;
declare function refusal(error: unknown): string;

test('another picture for each request: the one that is shown', async () => {
  const got = await page.evaluate(async (src) => colour(await show(src, 'anonymous')), `${origin}/changing.png`);
  expect(got).toBe('255,0,0');
  expect(log).toEqual(['/changing.png']);
});

test('a camera without an end: the frame that is shown, and the next call does not wait', async () => {
  const got = await page.evaluate(async (src) => {
    const image = await show(src, 'anonymous');
    return [await colour(image), (await vit.classify(image)).length];
  }, `${origin}/camera`);
  expect(got).toEqual(['255,0,0', 5]);
  expect(log).toEqual(['/camera']);
});

test('only with credentials', async () => {
  const site = origin.replace('127.0.0.1', 'localhost');
  await page.context().addCookies([{ name: 'user', value: 'me', url: site, sameSite: 'Lax' }]);
  const got = await page.evaluate(async (src) => colour(await show(src, 'use-credentials')), `${site}/private.png`);
  expect(got).toBe('255,0,0');
});

test('of another origin that may not be read: its own call, in words; its neighbours are answered', async () => {
  const got = await page.evaluate(async (src) => {
    const image = await show(src);
    const canvas = document.createElement('canvas');
    canvas.getContext('2d')!.drawImage(image, 0, 0);
    const bitmap = await createImageBitmap(image);
    const good = { data: new Uint8Array(4 * 9).fill(80), width: 3, height: 3 };
    const calls = [good, canvas, good, image, bitmap, [good, canvas], good].map((one) => vit.classify(one as never));
    const results = await Promise.allSettled(calls);
    return results.map((one) => (one.status === 'fulfilled' ? 'answered' : refusal(one.reason)));
  }, `${origin}/forbidden.png`);
  const refused = expect.stringMatching(/^ViTError bad-image: This .* of another origin.*crossorigin/);
  expect(got).toEqual(['answered', refused, 'answered', refused, refused, refused, 'answered']);
});
