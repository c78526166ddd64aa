import { expect, test } from '@playwright/test';
import { serveBuilt } from './server.ts';

// test/run.js fails unless it saw this one, and this one alone: so it is known to see what goes elsewhere from here.
test('nothing is reached elsewhere', async ({ page }) => {
  const server = await serveBuilt();
  await page.goto(server.origin);
  const outcome = await page.evaluate(() => fetch('http://from-playwright.invalid/').catch(({ name }) => name));
  server.close();
  expect(outcome).toBe('TypeError');
});
