/**
 * `checkSupport()` where there is no WebGPU: what is so, and the way out. No page is blamed for being insecure that is
 * not, and no browser is said to have what it has not.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { checkSupport } from '../../src/index.ts';

const LINUX = 'Mozilla/5.0 (X11; Linux x86_64';
afterEach(() => vi.unstubAllGlobals());

test.for<[string, { isSecureContext?: boolean; userAgent?: string }, RegExp]>([
  ['a server that renders a page', {}, /outside a browser/],
  [
    'Firefox on Linux',
    { isSecureContext: true, userAgent: `${LINUX}; rv:153.0) Gecko/20100101 Firefox/153.0` },
    /Firefox.*Linux.*dom\.webgpu\.enabled/,
  ],
  [
    'WebKitGTK',
    {
      isSecureContext: true,
      userAgent: `${LINUX}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/60.5 Safari/605.1.15`,
    },
    /WebKit has no WebGPU on Linux/,
  ],
  [
    'an old Chrome',
    { isSecureContext: true, userAgent: `${LINUX}) AppleWebKit/537.36 Chrome/100.0.0.0 Safari/537.36` },
    /Current versions/,
  ],
  [
    'Firefox on Android',
    { isSecureContext: true, userAgent: 'Mozilla/5.0 (Android 15; Mobile; Linux; rv:153.0) Firefox/153.0' },
    /This browser has no WebGPU/,
  ],
  ['plain http', { isSecureContext: false, userAgent: `${LINUX}; rv:153.0) Firefox/153.0` }, /https/],
])('%s', async ([, { isSecureContext, userAgent }, reason]) => {
  vi.stubGlobal('isSecureContext', isSecureContext);
  vi.stubGlobal('navigator', userAgent && { userAgent });
  const support = await checkSupport();
  expect(support).toEqual({ webgpu: false, reason: expect.stringMatching(reason), software: false });
  if (isSecureContext !== false) expect(support.reason).not.toMatch(/secure|https/);
});

test('Firefox on Linux with WebGPU on, which blocks the GPU', async () => {
  const userAgent = `${LINUX}; rv:153.0) Gecko/20100101 Firefox/153.0`;
  vi.stubGlobal('navigator', { userAgent, gpu: { requestAdapter: async () => null } });
  expect((await checkSupport()).reason).toMatch(/gfx\.webgpu\.ignore-blocklist/);
});

test('a driver that fails is no exception', async () => {
  vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.reject(new Error('lost')) } });
  expect(await checkSupport()).toMatchObject({ webgpu: false, reason: expect.stringMatching(/no GPU it can use/) });
});
