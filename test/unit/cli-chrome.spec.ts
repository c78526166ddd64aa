import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { chromeArguments, findChrome } from '../../src/cli/chrome.ts';
import { CHROME_ARGS } from '../harness/chrome-args.ts';

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
const [first, second] = [join(folder, 'first'), join(folder, 'second')];
const own = join(folder, 'own-chrome');
for (const path of [first, second]) mkdirSync(path);
for (const file of [join(first, 'chromium'), join(second, 'google-chrome'), own]) writeFileSync(file, '');

beforeEach(() => {
  vi.stubEnv('CHROME_PATH', '');
  vi.stubEnv('PATH', '');
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

test("CHROME_PATH first, then Playwright's own, then google-chrome, then chromium", () => {
  vi.stubEnv('PATH', [first, second].join(delimiter));
  vi.stubEnv('CHROME_PATH', join(first, 'chromium'));
  expect(findChrome(own)).toBe(join(first, 'chromium'));
  vi.stubEnv('CHROME_PATH', '');
  expect(findChrome(own)).toBe(own);
  expect(findChrome(join(folder, 'not-installed'))).toBe(join(second, 'google-chrome'));
  vi.stubEnv('PATH', first);
  expect(findChrome()).toBe(join(first, 'chromium'));
});

test('a CHROME_PATH that leads nowhere is an error, not a reason to look elsewhere', () => {
  vi.stubEnv('CHROME_PATH', join(folder, 'absent'));
  expect(() => findChrome(own)).toThrow(/CHROME_PATH is .*absent, but there is no such file/);
});

test('SwiftShader is used only when asked for', () => {
  expect(chromeArguments({ software: true })).toContain('--use-webgpu-adapter=swiftshader');
  expect(chromeArguments({ software: false }).join(' ')).not.toContain('swiftshader');
  expect(chromeArguments({ software: false })).toContain('--enable-unsafe-webgpu');
});

test('the sandbox is given up only as root', () => {
  const asUser = (id: number) => {
    const user = vi.spyOn(process, 'getuid').mockReturnValue(id);
    const args = chromeArguments({ software: false });
    user.mockRestore();
    return args;
  };
  expect(asUser(0)).toContain('--no-sandbox');
  expect(asUser(1000)).not.toContain('--no-sandbox');
});

test('what Playwright turns off stays off: our flag takes the place of its own', () => {
  const playwright = dirname(createRequire(import.meta.url).resolve('playwright-core/package.json'));
  const code = readFileSync(join(playwright, 'lib', 'coreBundle.js'), 'utf8');
  const list = /\bdisabledFeatures = \[\n([^\]]*)\]/.exec(code)![1].replace(/^\s*\/\/.*$/gm, '');
  const names = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(9);

  for (const args of [chromeArguments({ software: false }), CHROME_ARGS]) {
    const flags = args.filter((flag) => flag.startsWith('--disable-features='));
    expect(flags).toHaveLength(1);
    expect(flags[0].split(/[=,]/)).toEqual(expect.arrayContaining(names));
  }
});
