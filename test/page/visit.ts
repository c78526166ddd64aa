/**
 * A visit to the page: what is on it, and what must hold on every visit, whatever the test is about.
 */
import { readFileSync } from 'node:fs';
import {
  type Browser,
  type BrowserContextOptions,
  test as base,
  type ConsoleMessage,
  type Disposable,
  expect,
  type Locator,
  type Page,
  type Request,
  type ViewportSize,
} from '@playwright/test';
import { Site } from './site.ts';

interface Options {
  /** What this test makes the console complain about. */
  complaints: RegExp | null;
  /** Origins that this test has the page ask. */
  guests: string[];
  /** Labels, paper or direction are not those that room was made for. */
  movesThings: boolean;
  /** Bars grow and grids fade, as for everybody. Drawing that takes a quarter of an answer's time. */
  animates: boolean;
}

interface Fixtures extends Options {
  site: Site;
  visit: Visit;
}

interface WorkerFixtures {
  /** Tabs that stay open for all tests of a file, by name: opening one takes a fifth of a visit. One that was open for all files was slow at times. */
  tab: (name: 'alone' | 'shared', file: string) => Promise<Page>;
}

/** What a tab cannot change: a test that asks for something else has one of its own. */
const EVERY_TAB = { javaScriptEnabled: true, locale: 'en-US', serviceWorkers: 'block' } as const;

export const test = base.extend<Fixtures, WorkerFixtures>({
  complaints: [null, { option: true }],
  guests: [[], { option: true }],
  movesThings: [false, { option: true }],
  animates: [false, { option: true }],
  // It would answer in place of the site; a test of its own lets it.
  serviceWorkers: EVERY_TAB.serviceWorkers,
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from the pattern.
  site: async ({}, use) => {
    const site = await new Site().start();
    await use(site);
    site.stop();
  },
  tab: [
    async ({ browser }, use) => {
      const tabs = new Map<string, { file: string; page: Page }>();
      await use(async (name, file) => {
        const tab = tabs.get(name);
        if (tab?.file === file) return tab.page;
        await tab?.page.context().close();
        const page = await open(browser, EVERY_TAB);
        tabs.set(name, { file, page });
        return page;
      });
      for (const { page } of tabs.values()) await page.context().close();
    },
    { scope: 'worker' },
  ],
  page: async ({ tab, browser, javaScriptEnabled, locale, serviceWorkers }, use, { file }) => {
    const wanted = { javaScriptEnabled, locale, serviceWorkers };
    const isOrdinary = JSON.stringify(wanted) === JSON.stringify(EVERY_TAB);
    const page = isOrdinary ? await tab('alone', file) : await open(browser, wanted);
    await use(page);
    if (!isOrdinary) await page.context().close();
  },
  context: ({ page }, use) => use(page.context()),
  visit: async ({ page, site, viewport, colorScheme, permissions, animates, complaints, guests, movesThings }, use) => {
    const visit = new Visit(page, site);
    await visit.prepare({ viewport, colorScheme, permissions, animates });
    await attend(visit, { complaints, guests, movesThings }, use);
    await visit.leave();
  },
});

export { expect };

async function open(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const page = await browser.newPage(options);
  await page.addInitScript(watch);
  return page;
}

/**
 * Tests of a file that share one visit, which takes most of the time of a test: between them what they brought is cleared away.
 * The first visit, what the page starts with and what is remembered are for tests with an origin of their own.
 *
 * @param arrive how the page is opened
 */
export function shareVisit(arrive: (visit: Visit) => Promise<void> = (visit) => visit.arriveReady()) {
  let shared: { visit: Visit; site: Site } | undefined;
  test.afterAll(async () => {
    await shared?.visit.leave();
    shared?.site.stop();
    shared = undefined;
  });
  return test.extend<{ shared: { visit: Visit; site: Site } }>({
    shared: async ({ tab, viewport, colorScheme, permissions, animates }, use, { file }) => {
      const looks = { viewport, colorScheme, permissions, animates };
      if (shared) await shared.visit.clear(arrive, looks);
      else {
        const site = await new Site().start();
        shared = { visit: new Visit(await tab('shared', file), site), site };
        await shared.visit.prepare(looks);
        await arrive(shared.visit);
      }
      await use(shared);
    },
    site: ({ shared }, use) => use(shared.site),
    page: ({ shared }, use) => use(shared.visit.page),
    visit: ({ shared, complaints, guests, movesThings }, use) =>
      attend(shared.visit, { complaints, guests, movesThings }, use),
  });
}

/** Holds what a test does to what must hold on every visit. */
async function attend(
  visit: Visit,
  { complaints, guests, movesThings }: Omit<Options, 'animates'>,
  use: (visit: Visit) => Promise<void>,
): Promise<void> {
  const { page, site } = visit;
  const heard: string[] = [];
  const foreign: string[] = [];
  const onConsole = (message: ConsoleMessage) => {
    if (['error', 'warning'].includes(message.type())) heard.push(message.text());
  };
  const onError = (error: Error) => heard.push(error.message);
  const onRequest = (request: Request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && ![site.origin, ...guests].includes(origin)) foreign.push(request.url());
  };
  page.on('console', onConsole).on('pageerror', onError).on('request', onRequest);
  await use(visit);

  const isExpected = (text: string) => complaints?.test(text) || text.includes('blocked by Playwright');
  expect(heard.filter((text) => !isExpected(text))).toEqual([]);
  expect(foreign, 'requests to other origins').toEqual([]);
  const { shifts, violations } = await page.evaluate(() => {
    const { shifts, violations } = globalThis.watched;
    return { shifts, violations };
  });
  if (!movesThings) expect(shifts, 'nothing on the page jumps').toEqual([]);
  await expect
    .poll(() => page.evaluate(urlsWithoutPicture), { message: 'every object URL is given back, or shown' })
    .toEqual([]);
  expect(violations, 'nothing violates the security policy').toEqual([]);
  page.off('console', onConsole).off('pageerror', onError).off('request', onRequest);
}

interface Watched {
  /** What moved by itself. */
  shifts: string[];
  /** Object URLs that are made and not given back. */
  urls: Set<string>;
  violations: string[];
  /** What moves within half a second does so because of a person. */
  answer(): void;
}

declare global {
  var watched: Watched;
}

/** Runs in the page, before anything else does. */
function watch(): void {
  // The browser does not count a drop as input, and counts from the input: one whose GPU is busy draws the answer to it late.
  let answered = Number.NEGATIVE_INFINITY;
  const answer = () => {
    requestAnimationFrame(() => {
      answered = performance.now();
    });
  };
  const watched: Watched = { shifts: [], urls: new Set(), violations: [], answer };
  globalThis.watched = watched;
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

/**
 * Runs in the page, and puts back what a test did to it, as a person would.
 * @returns whether it is as it was when it was opened, but for the photo that it begins with
 */
async function putBack(): Promise<boolean> {
  const nextFrame = () => new Promise(requestAnimationFrame);
  const all = <T extends HTMLElement>(selector: string) => Array.from(document.querySelectorAll<T>(selector));
  document.body.removeAttribute('style');
  document.documentElement.removeAttribute('dir');
  (document.activeElement as HTMLElement | null)?.blur();
  for (const dialog of all<HTMLDialogElement>('dialog')) dialog.close();
  for (const select of all<HTMLSelectElement>('#strip select')) {
    select.selectedIndex = 0;
    select.dispatchEvent(new Event('change'));
  }
  const words = document.querySelector<HTMLTextAreaElement>('#words');
  if (words) {
    words.value = '';
    words.dispatchEvent(new Event('input'));
  }
  // Removed ones are followed by new ones: there are always two.
  for (const button of all('.box-name button')) button.click();
  document.querySelector<HTMLElement>('[name=look][value=photo]')?.click();
  document.querySelector<HTMLElement>('[name=kind][value=labels]')!.click();
  for (const button of all('.toast button')) button.click();
  await nextFrame();
  await nextFrame();
  const named = (selector: string, name: string) =>
    all(selector).find(({ textContent }) => textContent!.trim() === name);
  (named('#strip button', 'Clear') ?? named('#stage button', 'Remove'))?.click();
  scrollTo(0, 0);
  await nextFrame();
  await nextFrame();
  document.querySelector('#announcements')!.replaceChildren();
  Object.assign(globalThis.watched, { shifts: [], violations: [] });
  // An empty stage grows with the first photo that comes.
  const stage = document.querySelector('#stage')!;
  const growth = new MutationObserver(globalThis.watched.answer);
  const hasGrown = () => {
    growth.disconnect();
    globalThis.watched.answer();
  };
  growth.observe(stage, { childList: true, subtree: true });
  stage.addEventListener('load', hasGrown, { capture: true, once: true });
  const isDragging = document.documentElement.hasAttribute('data-dragging');
  return !isDragging && all('.tile, .refused, .toast, .example, video, dialog[open]').length === 0;
}

/** A call of the worker. */
interface Asked {
  count: number;
  outputs: string[];
}

/** As comlink sends it. */
interface Message {
  path?: string[];
  argumentList?: unknown[];
}

/** How a browser is set up for a person. */
interface Looks {
  viewport: ViewportSize | null;
  colorScheme: 'light' | 'dark' | 'no-preference' | null;
  permissions: string[] | undefined;
  animates: boolean;
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
  readonly site: Site;
  readonly #scripts: Disposable[] = [];

  constructor(page: Page, site: Site) {
    this.page = page;
    this.site = site;
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

  /** Sets up the browser, in which another test was. */
  async prepare({ viewport, colorScheme, permissions = [], animates }: Looks): Promise<void> {
    const { page } = this;
    if (viewport) await page.setViewportSize(viewport);
    const reducedMotion = animates ? 'no-preference' : 'reduce';
    await page.emulateMedia({ colorScheme, reducedMotion, forcedColors: null, media: null });
    await page.context().clearPermissions();
    if (permissions.length > 0) await page.context().grantPermissions(permissions);
    await page.mouse.move(0, 0);
  }

  /**
   * Has the page note what its worker is asked, from now on.
   * @returns how many things each call of this name brought, in order
   */
  async overhear(name: 'runImages' | 'runTexts'): Promise<() => Promise<Asked[]>> {
    const heard = await this.page.evaluateHandle((name) => {
      const asked: Asked[] = [];
      const { postMessage } = Worker.prototype;
      Worker.prototype.postMessage = function (message: Message, ...rest: never[]) {
        if (message?.path?.[0] === name) {
          const [things, outputs] = message.argumentList as [{ value: unknown[] }, { value?: unknown } | undefined];
          const wanted = Array.isArray(outputs?.value) ? outputs.value.map(String) : [];
          asked.push({ count: things.value.length, outputs: wanted });
        }
        return postMessage.call(this, message, ...rest);
      };
      return asked;
    }, name);
    return () => heard.jsonValue();
  }

  /** Runs in the page before anything of its own, until the visit ends. */
  async beforehand(script: string | (() => void)): Promise<void> {
    this.#scripts.push(await this.page.addInitScript(script));
  }

  /** Leaves nothing for who comes next, but what lies in the storage of this origin. */
  async leave(): Promise<void> {
    const { page } = this;
    await page.goto('about:blank');
    for (const script of this.#scripts.splice(0)) await script.dispose();
    for (const event of ['request', 'response']) page.removeAllListeners(event);
    for (const routes of [page, page.context()]) await routes.unrouteAll({ behavior: 'ignoreErrors' });
  }

  /** Opens the page; the model is on its way. */
  async arrive(query = ''): Promise<void> {
    await this.page.goto(this.site.url + query);
  }

  /** Opens the page, and waits until the model is there. */
  async arriveReady(query = ''): Promise<void> {
    await this.arrive(query);
    await this.ready();
  }

  /** Makes a page ready for another test: one that cannot be put back is opened again. */
  async clear(arrive: (visit: Visit) => Promise<void>, looks: Looks): Promise<void> {
    this.site.heal();
    await this.prepare(looks);
    if (!(await this.page.evaluate(putBack))) await arrive(this);
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
    const isThere = await this.page.evaluate(() => 'axe' in globalThis);
    if (!isThere) await this.page.evaluate(AXE);
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: Axe };
      const { violations } = await axe.run({ resultTypes: ['violations'] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' | ')}`);
    });
  }
}

interface Axe {
  run(options: object): Promise<{ violations: { id: string; nodes: { target: string[] }[] }[] }>;
}

const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
