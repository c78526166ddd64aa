/**
 * Finds a Chrome, and starts it so that WebGPU works: on the GPU where there is one, else on the CPU. Knows
 * nothing of models; the tests use it too.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser, BrowserType, Page } from 'playwright';
import { ViTError } from '../error.ts';

const COMMANDS = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome.exe'];
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * @param own path of Playwright's own browser, which may not be installed
 * @returns the first of `CHROME_PATH`, Playwright's own, google-chrome and chromium; `undefined` when there is none.
 * @throws ViTError `bad-input` when `CHROME_PATH` is set to something that is not there.
 */
export function findChrome(own?: string): string | undefined {
  const given = process.env.CHROME_PATH;
  if (given) {
    if (existsSync(given)) return given;
    throw new ViTError('bad-input', `CHROME_PATH is ${given}, but there is no such file.`);
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  const onPath = COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
  return [own, ...onPath, ...APPLICATIONS].find((path) => path !== undefined && existsSync(path));
}

/**
 * What Playwright turns off. Of several such flags Chrome takes the last alone, so ours says it again
 * (test/unit/cli-chrome.spec.ts).
 */
const OFF_IN_PLAYWRIGHT = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'TcpPortRandomizationWin',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'msForceBrowserSignIn',
  'msEdgeUpdateLaunchServicesPreferredVersion',
];

/**
 * Processes that every window starts beside that of its page: two pages that drop down from the address bar, and one that waits
 * for the next page. Together they take a second of CPU time.
 */
const NEVER_SEEN = [
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'SpareRendererForSitePerProcess',
];

/** @param software compute on the CPU, with SwiftShader, instead of on a GPU. */
export function chromeArguments({ software }: { software: boolean }): string[] {
  return [
    // Chrome's sandbox refuses to run as root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--enable-unsafe-webgpu',
    ...(software ? ['--use-webgpu-adapter=swiftshader'] : []),
    '--disable-background-networking',
    '--no-first-run',
    '--disable-component-update',
    `--disable-features=${[...OFF_IN_PLAYWRIGHT, ...NEVER_SEEN]}`,
  ];
}

/**
 * Headless Chrome with a page that has a WebGPU adapter; one that has none when there is not even a software adapter.
 *
 * @param url of a page that may use WebGPU: on https or localhost
 * @throws ViTError `no-webgpu` when there is no Chrome.
 */
export async function openPage(chromium: BrowserType, url: string): Promise<{ browser: Browser; page: Page }> {
  const executablePath = findChrome(chromium.executablePath());
  if (!executablePath) {
    throw new ViTError('no-webgpu', 'There is no Chrome. Set CHROME_PATH, or run: npx playwright install chromium');
  }
  const start = async (software: boolean) => {
    const browser = await chromium.launch({ executablePath, args: chromeArguments({ software }) });
    const page = await browser.newPage();
    await page.goto(url);
    return { browser, page };
  };
  const withGpu = await start(false);
  const hasAdapter = await withGpu.page.evaluate(async () => Boolean(await navigator.gpu?.requestAdapter()));
  if (hasAdapter) return withGpu;
  await withGpu.browser.close();
  return start(true);
}
