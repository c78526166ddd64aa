/**
 * No test: measures the built page, and writes what it finds to the console. `npm run build:page`, then
 * `npx playwright test --project=figures`; with `VIT_PAGE=folder` another build of it. The machine should have nothing else to do.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type CDPSession, expect, type Page, test } from '@playwright/test';
import sharp from 'sharp';
import { TYPES } from '../../test/page/site.ts';

const ROOT = process.env.VIT_PAGE ?? 'dist/page';

/** A phone's line on a bad day: what Lighthouse calls slow 4G. */
const SLOW = { bytesPerSecond: 200_000, latency: 150 };
const FAST = { bytesPerSecond: Number.POSITIVE_INFINITY, latency: 0 };
/** How much slower than here the page's thread of a middling phone is. */
const SLOW_CPU = 4;

/** The page as a server gives it: compressed, and no faster than the line. */
class Line {
  readonly bytes = new Map<string, number>();
  origin = '';
  readonly #server: Server;
  /** When the line is free again. */
  #free = 0;

  constructor({ bytesPerSecond, latency }: typeof SLOW) {
    this.#server = createServer(async ({ url, headers }, response) => {
      const path = new URL(url!, 'http://localhost').pathname.slice(1) || 'index.html';
      let file: Buffer;
      try {
        file = readFileSync(join(ROOT, path));
      } catch {
        return void response.writeHead(404).end();
      }
      const type = TYPES[extname(path)] ?? 'application/octet-stream';
      const isText = /text|json|svg/.test(type) && !!headers['accept-encoding']?.includes('gzip');
      const body = isText ? gzipSync(file) : file;
      this.bytes.set(path, body.length);
      await pause(latency);
      response.writeHead(200, { 'content-type': type, ...(isText && { 'content-encoding': 'gzip' }) });
      for (let at = 0; at < body.length; at += PACKET) {
        const packet = body.subarray(at, at + PACKET);
        this.#free = Math.max(this.#free, performance.now()) + (1000 * packet.length) / bytesPerSecond;
        const wait = this.#free - performance.now();
        if (wait > 1) await pause(wait);
        response.write(packet);
      }
      response.end();
    });
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, 'localhost', resolve));
    this.origin = `http://localhost:${(this.#server.address() as AddressInfo).port}/`;
    return this;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Kilobytes of what is not the model's and no sample. */
  kilobytes(isCounted: (path: string) => boolean): number {
    return Math.round([...this.bytes].reduce((sum, [path, bytes]) => sum + (isCounted(path) ? bytes : 0), 0) / 1000);
  }
}

const PACKET = 4096;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs in the page, before anything else does. */
function watch(): void {
  const seen = { lcp: 0, cls: 0, blocked: 0, longest: 0, gap: 0, gaps: 0 };
  Object.assign(globalThis, { seen });
  const on = (type: string, each: (entry: PerformanceEntry & { value: number; hadRecentInput: boolean }) => void) =>
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) each(entry as never);
    }).observe({
      type,
      buffered: true,
    });
  on('largest-contentful-paint', ({ startTime }) => {
    seen.lcp = startTime;
  });
  on('layout-shift', ({ value, hadRecentInput }) => {
    if (!hadRecentInput) seen.cls += value;
  });
  on('longtask', ({ duration }) => {
    seen.blocked += duration - 50;
    seen.longest = Math.max(seen.longest, duration);
  });
  let last = performance.now();
  const frame = () => {
    const now = performance.now();
    seen.gap = Math.max(seen.gap, now - last);
    if (now - last > 50) seen.gaps++;
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

interface Seen {
  lcp: number;
  cls: number;
  /** Milliseconds beyond 50 of each long task, together. */
  blocked: number;
  longest: number;
  /** Between two frames. */
  gap: number;
  gaps: number;
}

const seenBy = (page: Page) => page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);

for (const [name, line, cpu] of [
  ['a fast line', FAST, 1],
  ['a slow line and a slow phone', SLOW, SLOW_CPU],
] as const) {
  test(`first visit on ${name}`, async ({ page }) => {
    test.setTimeout(180_000);
    const server = await new Line(line).open();
    await page.addInitScript(watch);
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: cpu });
    const since = performance.now();
    await page.goto(server.origin, { waitUntil: 'commit' });
    if (line === SLOW) await takeFirstSeconds(page, since);
    await expect(page.getByRole('region', { name: 'Model' })).toContainText('Ready', { timeout: 120_000 });
    const ready = (performance.now() - since) / 1000;
    await page.waitForTimeout(2000);
    const { lcp, cls, blocked } = await seenBy(page);
    const isModel = (path: string) => path.startsWith('weights/');
    const isSample = (path: string) => path.startsWith('samples/');
    console.log(
      `${name}: LCP ${(lcp / 1000).toFixed(2)} s, CLS ${cls.toFixed(4)}, TBT ${Math.round(blocked)} ms, ready ${ready.toFixed(1)} s;`,
      `${server.kilobytes((path) => !isModel(path) && !isSample(path))} KB of page and library,`,
      `${server.kilobytes(isSample)} KB of samples, ${server.kilobytes(isModel)} KB of model`,
    );
    server.close();
  });
}

/** What a visitor has before the eyes, side by side. */
async function takeFirstSeconds(page: Page, since: number): Promise<void> {
  const moments = [1, 2, 4, 10];
  const pictures: Buffer[] = [];
  for (const second of moments) {
    await pause(since + 1000 * second - performance.now());
    pictures.push(await page.screenshot({ timeout: 60_000 }));
  }
  const small = await Promise.all(pictures.map((picture) => sharp(picture).resize({ width: 560 }).toBuffer()));
  const { height = 0 } = await sharp(small[0]).metadata();
  await sharp({ create: { width: 1130, height: 2 * height + 10, channels: 3, background: '#888' } })
    .composite(small.map((input, i) => ({ input, left: (i % 2) * 570, top: Math.floor(i / 2) * (height + 10) })))
    .jpeg({ quality: 80 })
    .toFile(process.env.VIT_PAGE ? '/tmp/first-seconds.jpg' : 'docs/page/first-seconds.jpg');
}

test('a thousand photos', async ({ page }, info) => {
  test.setTimeout(600_000);
  const server = await new Line(FAST).open();
  await page.addInitScript(watch);
  await page.goto(server.origin);
  await expect(page.getByRole('region', { name: 'Model' })).toContainText('Ready');
  await page.waitForTimeout(2000);
  const files = await photos(info.outputPath('photos'), 1000);
  const session = await page.context().newCDPSession(page);
  const tasks = await recordTasks(session);
  await page.evaluate(() => {
    const { seen } = globalThis as unknown as { seen: Seen };
    Object.assign(seen, { blocked: 0, longest: 0, gap: 0, gaps: 0 });
  });
  const since = performance.now();
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    const data = { items: [], files, dragOperationsMask: 1 };
    await session.send('Input.dispatchDragEvent', { type, x: 180, y: 300, data });
  }
  await expect(page.locator('#strip h2')).toHaveText(/^1,000 photos: /, { timeout: 60_000 });
  await expect(page.locator('#strip progress')).toHaveCount(0, { timeout: 500_000 });
  const seconds = (performance.now() - since) / 1000;
  const { longest, gap, gaps } = await seenBy(page);
  const tiles = await page.locator('.tile').count();
  const memory = await page.evaluate(
    () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6,
  );
  const own = await tasks();
  console.log(
    `a thousand photos: ${seconds.toFixed(1)} s, longest frame ${Math.round(gap)} ms, ${gaps} frames above 50 ms,`,
    `longest task ${Math.round(longest)} ms, ${tiles} tiles, ${memory.toFixed(1)} MB of script's memory;`,
    `the page's thread computed ${(own.total / 1000).toFixed(1)} s, its longest tasks ${own.longest.map(Math.round).join(', ')} ms`,
  );
  server.close();
});

interface TraceEvent {
  name: string;
  cat: string;
  pid: number;
  tid: number;
  /** Of what is one: microseconds of CPU time. */
  tdur?: number;
  args?: { name?: string };
}

/** @returns ends it: milliseconds that tasks of the page's thread took in CPU time, however busy the machine was */
async function recordTasks(session: CDPSession): Promise<() => Promise<{ total: number; longest: number[] }>> {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', '__metadata'], recordMode: 'recordAsMuchAsPossible' },
  });
  return async () => {
    const isComplete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
    await session.send('Tracing.end');
    await isComplete;
    const threads = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
    // The page's is the renderer that did the most.
    const [busiest] = threads
      .map(({ pid, tid }) => events.filter((event) => event.pid === pid && event.tid === tid))
      .map((own) => own.filter(({ name }) => /RunTask$/.test(name)).map(({ tdur = 0 }) => tdur / 1000))
      .map((own) => ({ total: own.reduce((sum, one) => sum + one, 0), longest: own.sort((a, b) => b - a).slice(0, 5) }))
      .sort((a, b) => b.total - a.total);
    return busiest;
  };
}

/** Each of another colour, so that none is another's copy. @returns their paths */
function photos(folder: string, count: number): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const path = join(folder, `${i}.jpg`);
      const background = { r: i % 256, g: (7 * i) % 256, b: 128 };
      const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
      await sharp({ create: { width: 320, height: 240, channels: 3, background, noise } })
        .jpeg()
        .toFile(path);
      return path;
    }),
  );
}
