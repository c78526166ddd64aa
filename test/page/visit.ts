/**
 * A visit to the page: what is on it, and what must hold on every visit, whatever the test is about.
 */
import { readFileSync } from 'node:fs';
import { test as base, expect, type Locator, type Page } from '@playwright/test';
import { Site } from './site.ts';

interface Options {
  /** What this test makes the console complain about. */
  complaints: RegExp | null;
  /** Origins that this test has the page ask. */
  guests: string[];
  /** Labels, paper or direction are not those that room was made for. */
  movesThings: boolean;
}

interface Fixtures extends Options {
  site: Site;
  visit: Visit;
}

export const test = base.extend<Fixtures>({
  complaints: [null, { option: true }],
  guests: [[], { option: true }],
  movesThings: [false, { option: true }],
  // It would answer in place of the site; a test of its own lets it.
  serviceWorkers: 'block',
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from the pattern.
  site: async ({}, use) => {
    const site = await new Site().start();
    await use(site);
    site.stop();
  },
  visit: async ({ page, site, complaints, guests, movesThings }, use) => {
    const heard: string[] = [];
    const foreign: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) heard.push(message.text());
    });
    page.on('pageerror', (error) => heard.push(error.message));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && ![site.origin, ...guests].includes(origin)) foreign.push(request.url());
    });
    await page.addInitScript(watch);
    await use(new Visit(page, site));

    const isExpected = (text: string) => complaints?.test(text) || text.includes('blocked by Playwright');
    expect(heard.filter((text) => !isExpected(text))).toEqual([]);
    expect(foreign, 'requests to other origins').toEqual([]);
    const { shifts, violations } = await page.evaluate(() => globalThis.watched);
    if (!movesThings) expect(shifts, 'nothing on the page jumps').toEqual([]);
    await expect
      .poll(() => page.evaluate(urlsWithoutPicture), { message: 'every object URL is given back, or shown' })
      .toEqual([]);
    expect(violations, 'nothing violates the security policy').toEqual([]);
  },
});

export { expect };

interface Watched {
  /** What moved by itself. */
  shifts: string[];
  /** Object URLs that are made and not given back. */
  urls: Set<string>;
  violations: string[];
}

declare global {
  var watched: Watched;
}

/** Runs in the page, before anything else does. */
function watch(): void {
  const watched: Watched = { shifts: [], urls: new Set(), violations: [] };
  globalThis.watched = watched;
  // The browser does not count a drop as input, and counts from the input: one whose GPU is busy draws the answer to it late.
  let answered = Number.NEGATIVE_INFINITY;
  const answer = () =>
    requestAnimationFrame(() => {
      answered = performance.now();
    });
  for (const input of ['drop', 'click', 'keydown']) addEventListener(input, answer, { capture: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & {
      value: number;
      hadRecentInput: boolean;
      sources: { node?: Node }[];
    })[]) {
      const nodes = entry.sources.map(({ node }) =>
        node instanceof Element ? `${node.tagName}.${node.className}` : '',
      );
      // A thousandth is a pixel or two of one line of text. What a click unfolds may push the rest down.
      const hadInput = entry.hadRecentInput || Math.abs(entry.startTime - answered) < 500;
      if (entry.value > 0.001 && !hadInput) watched.shifts.push(`${entry.value.toFixed(4)} ${nodes}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
  addEventListener('securitypolicyviolation', (event) => {
    watched.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (object) => {
    const url = createObjectURL(object);
    watched.urls.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => {
    watched.urls.delete(url);
    revokeObjectURL(url);
  };
}

/** Runs in the page. */
function urlsWithoutPicture(): string[] {
  const media = document.querySelectorAll<HTMLImageElement | HTMLVideoElement>('img, video');
  const shown = new Set(Array.from(media, ({ src }) => src));
  return [...globalThis.watched.urls].filter((url) => !shown.has(url));
}

export class Visit {
  readonly model: Locator;
  /** The photo on the stage, with its answer. */
  readonly stage: Locator;
  readonly verdict: Locator;
  /** What the photos are asked: labels, boxes, words. */
  readonly asked: Locator;
  readonly strip: Locator;
  readonly tiles: Locator;
  readonly picker: Locator;
  readonly retry: Locator;
  readonly toast: Locator;
  readonly announcements: Locator;
  readonly page: Page;
  readonly #site: Site;

  constructor(page: Page, site: Site) {
    this.page = page;
    this.#site = site;
    this.model = page.getByRole('region', { name: 'Model' });
    this.stage = page.getByRole('region', { name: 'Answer' });
    this.verdict = this.stage.getByRole('heading');
    this.asked = page.getByRole('region', { name: 'What is asked' });
    this.strip = page.getByRole('region', { name: 'Photos', exact: true });
    this.tiles = this.strip.locator('.tile');
    this.picker = page.getByLabel('Choose photos');
    this.retry = page.getByRole('button', { name: 'Try again' });
    this.toast = page.locator('.toast');
    this.announcements = page.getByRole('log');
  }

  /** Opens the page; the model is on its way. */
  async arrive(query = ''): Promise<void> {
    await this.page.goto(this.#site.url + query);
  }

  /** Opens the page, and waits until the model is there. */
  async arriveReady(query = ''): Promise<void> {
    await this.arrive(query);
    await this.ready();
  }

  async ready(): Promise<void> {
    await expect(this.model).toContainText('Ready');
  }

  /** The dialog behind a button of the header. */
  async open(name: 'Code' | 'Models' | 'Settings'): Promise<Locator> {
    await this.page.getByRole('button', { name, exact: true }).click();
    return this.page.getByRole('dialog', { name: name === 'Code' ? 'The same in your own page' : name });
  }

  tile(name: string): Locator {
    return this.tiles.filter({ hasText: `${name}: ` });
  }

  sample(name: string): Locator {
    return this.page.getByRole('region', { name: 'Photos to try' }).getByRole('button', { name });
  }

  /** Puts a photo on the stage, where one that has just come is by itself. */
  async show(name: string): Promise<void> {
    const shown = this.stage.locator('.name');
    const tile = this.tile(name).first();
    await expect
      .poll(async () => {
        if ((await shown.allTextContents())[0] !== name && (await tile.isVisible())) await tile.click();
        return (await shown.allTextContents())[0];
      })
      .toBe(name);
  }

  /** Whether a photo has five labels with bars and per cent, best first, and the milliseconds. */
  async expectAnswer(name: string): Promise<void> {
    await this.show(name);
    await expect(this.stage.locator('.times')).toHaveText(
      /^\s*Decode [\d.]+ ms\s+Preprocess [\d.]+ ms\s+Run [\d.]+ ms\s*$/,
    );
    const rows = this.stage.getByRole('list', { name: 'Best labels' }).getByRole('listitem');
    await expect(rows).toHaveText([1, 2, 3, 4, 5].map(() => /^\s*[a-z]+\s*(< )?\d+\.\d%\s*$/));
    const scores = await rows.evaluateAll((items) =>
      items.map((item) => Number.parseFloat(item.textContent!.match(/[\d.]+(?=%)/)![0])),
    );
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    // The bars grow for a third of a second.
    await expect
      .poll(async () => {
        const shares = await rows
          .locator('.bar')
          .evaluateAll((bars) =>
            bars.map(
              (bar) => (100 * Number.parseFloat(getComputedStyle(bar, '::before').inlineSize)) / bar.clientWidth,
            ),
          );
        return Math.max(...shares.map((share, i) => Math.abs(share - scores[i])));
      })
      .toBeLessThan(1);
  }

  /** What axe finds, a line each. */
  async faults(): Promise<string[]> {
    await this.page.evaluate(AXE);
    return this.page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' | ')}`);
    });
  }
}

interface AxeResults {
  violations: { id: string; nodes: { target: string[] }[] }[];
}

const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
