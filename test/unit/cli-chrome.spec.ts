import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { chromeArguments, findChrome } from '../../src/cli/chrome.ts';

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
