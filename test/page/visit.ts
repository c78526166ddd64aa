/**
 * A visit to the page: what is on it, and what must hold on every visit, whatever the test is about.
 */
import { test as base, expect, type Locator, type Page } from '@playwright/test';
import { Site } from './site.ts';

interface Options {
  /** What this test makes the console complain about. */
  complaints: RegExp | null;
  /** Origins that this test has the page ask. */
  guests: string[];
  /** The room for the labels is that of the embedded model's. */
  hasOtherLabels: boolean;
}

interface Fixtures extends Options {
  site: Site;
  visit: Visit;
}

export const test = base.extend<Fixtures>({
  complaints: [null, { option: true }],
  guests: [[], { option: true }],
  hasOtherLabels: [false, { option: true }],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from the pattern.
  site: async ({}, use) => {
    const site = await new Site().start();
    await use(site);
    site.stop();
  },
  visit: async ({ page, site, complaints, guests, hasOtherLabels }, use) => {
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

    expect(heard.filter((text) => !complaints?.test(text))).toEqual([]);
    expect(foreign, 'requests to other origins').toEqual([]);
    const { shifts, urls, violations } = await page.evaluate(() => globalThis.watched);
    if (!hasOtherLabels) expect(shifts, 'nothing on the page jumps').toEqual([]);
    expect(urls, 'every object URL is given back').toBe(0);
    expect(violations, 'nothing violates the security policy').toEqual([]);
  },
});

export { expect };

interface Watched {
  /** What moved by itself. */
  shifts: string[];
  /** Object URLs that are made and not given back. */
  urls: number;
  violations: string[];
}

declare global {
  var watched: Watched;
}

/** Runs in the page, before anything else does. */
function watch(): void {
  const watched: Watched = { shifts: [], urls: 0, violations: [] };
  globalThis.watched = watched;
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
      if (entry.value > 0.001 && !entry.hadRecentInput) watched.shifts.push(`${entry.value.toFixed(4)} ${nodes}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
  addEventListener('securitypolicyviolation', (event) => {
    watched.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (object) => {
    watched.urls++;
    return createObjectURL(object);
  };
  URL.revokeObjectURL = (url) => {
    watched.urls--;
    revokeObjectURL(url);
  };
}

export class Visit {
  readonly model: Locator;
  readonly cards: Locator;
  readonly picker: Locator;
  readonly retry: Locator;
  readonly announcements: Locator;
  readonly page: Page;
  readonly #site: Site;

  constructor(page: Page, site: Site) {
    this.page = page;
    this.#site = site;
    this.model = page.getByRole('region', { name: 'Model' });
    this.cards = page.getByRole('region', { name: 'Answers' }).locator('.cards > li');
    this.picker = page.getByLabel('Choose photos');
    this.retry = page.getByRole('button', { name: 'Try again' });
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

  card(name: string): Locator {
    return this.cards.filter({ has: this.page.getByRole('heading', { name, exact: true }) });
  }

  sample(name: string): Locator {
    return this.page.getByRole('region', { name: 'Or try one of these' }).getByRole('button', { name });
  }
}

/** Whether a card shows five labels with bars and per cent, best first, and the milliseconds. */
export async function expectAnswer(card: Locator): Promise<void> {
  await expect(card.locator('.times')).toHaveText(/^Decode [\d.]+ ms Preprocess [\d.]+ ms Run [\d.]+ ms$/);
  const rows = card.getByRole('list', { name: 'Best labels' }).getByRole('listitem');
  await expect(rows).toHaveText([1, 2, 3, 4, 5].map(() => /^[a-z]+\s*(< )?\d+\.\d%$/));
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
          bars.map((bar) => (100 * Number.parseFloat(getComputedStyle(bar, '::before').inlineSize)) / bar.clientWidth),
        );
      return Math.max(...shares.map((share, i) => Math.abs(share - scores[i])));
    })
    .toBeLessThan(1);
}
