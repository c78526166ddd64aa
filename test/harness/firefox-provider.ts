/**
 * Vitest's specs in Firefox: those that run in Chrome, as they are. Of a page they get no more than that it is open.
 */
import { defineBrowserProvider } from '@vitest/browser';
import type { Browser } from 'puppeteer-core';
import type { BrowserProvider } from 'vitest/node';
import { startFirefox } from './firefox.js';

export const firefox = defineBrowserProvider({
  name: 'firefox',
  supportedBrowser: ['firefox'],
  providerFactory: () => new FirefoxProvider(),
});

class FirefoxProvider implements BrowserProvider {
  readonly name = 'firefox';
  readonly supportsParallelism = false;
  #browser: Promise<Browser> | undefined;

  async openPage(_session: string, url: string): Promise<void> {
    this.#browser ??= startFirefox(true);
    const page = await (await this.#browser).newPage();
    await page.goto(url, { waitUntil: 'domcontentloaded' });
  }

  getCommandsContext(): Record<string, unknown> {
    return {};
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close();
  }
}
