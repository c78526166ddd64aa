/**
 * Tests of what is built: the page as people use it, and the package as somebody installs it. Each test brings its own
 * server.
 */
import { defineConfig } from '@playwright/test';
import { CHROME_ARGS } from './test/harness/chrome-args.ts';

const LEAKS = /leaks\.spec\.ts$/;

export default defineConfig({
  workers: 1,
  forbidOnly: true,
  timeout: 60_000,
  // A model on a software GPU, with other programs beside it.
  expect: { timeout: 20_000 },
  outputDir: 'test-results',
  use: {
    viewport: { width: 1280, height: 900 },
    launchOptions: { executablePath: process.env.CHROME_PATH, args: CHROME_ARGS },
  },
  projects: [
    { name: 'page', testDir: 'test/page', snapshotPathTemplate: '{testDir}/appearance/{arg}{ext}' },
    { name: 'package', testDir: 'test/package', timeout: 120_000 },
    { name: 'packed', testDir: 'test/packed', timeout: 120_000 },
    { name: 'training', testDir: 'test/training', timeout: 300_000 },
    { name: 'field', testDir: 'test/field', testMatch: /\.page\.spec\.ts$/ },
    // No test: takes the pictures of the documentation.
    { name: 'pictures', testDir: 'docs/page', testMatch: /pictures/ },
    // Nor this: measures the page.
    { name: 'figures', testDir: 'docs/page', testMatch: /figures/ },
    { name: 'reliability', testDir: 'test/reliability', testIgnore: LEAKS, timeout: 120_000 },
    // By itself, since it takes nearly as long as all of those: lanes end together (test/run.js).
    { name: 'leaks', testDir: 'test/reliability', testMatch: LEAKS },
  ],
});
