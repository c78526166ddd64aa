/**
 * The flag by which tests turn features of Chrome off takes the place of Playwright's own.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CHROME_ARGS } from '../harness/chrome-args.ts';

test('what Playwright turns off stays off', () => {
  const playwright = dirname(createRequire(import.meta.url).resolve('playwright-core/package.json'));
  const code = readFileSync(join(playwright, 'lib', 'coreBundle.js'), 'utf8');
  const list = /\bdisabledFeatures = \[\n([^\]]*)\]/.exec(code)![1].replace(/^\s*\/\/.*$/gm, '');
  const names = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(9);

  const flags = CHROME_ARGS.filter((flag) => flag.startsWith('--disable-features='));
  expect(flags).toHaveLength(1);
  expect(flags[0].split(/[=,]/)).toEqual(expect.arrayContaining(names));
});
