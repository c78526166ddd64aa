/**
 * A Firefox as a second browser with a WebGPU of its own (wgpu, naga): found or installed, and driven over WebDriver BiDi.
 * Without a GPU it computes on Mesa's software driver lavapipe, which has to be installed for the machine.
 */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { launch } from 'puppeteer-core';
import { attempt, installPackages } from './machine.js';

const COMMANDS = ['firefox-esr', 'firefox'];
const DRIVERS = '/usr/share/vulkan/icd.d';

/** Off on Linux, or only for some GPUs. */
const WEBGPU = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
};

/** Nothing that it looks for by itself; and a page that nobody sees is not slowed down. */
const QUIET = {
  'app.update.disabledForTesting': true,
  'browser.region.network.url': '',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'dom.timeout.enable_budget_timer_throttling': false,
};

/** Finds Firefox and a driver, or installs them. @returns {string} why that cannot be, or nothing */
export function firefoxFailure() {
  const missing = () => [...(findFirefox() ? [] : ['firefox-esr']), ...(hasDriver() ? [] : ['mesa-vulkan-drivers'])];
  if (missing().length > 0) installPackages(attempt, missing());
  const packages = missing().join(', ');
  return (
    packages && `It needs Debian's ${packages}, which could not be installed; FIREFOX_PATH names a Firefox elsewhere.`
  );
}

/** `FIREFOX_PATH`, or one of the path. @returns {string | undefined} */
function findFirefox() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
  return [process.env.FIREFOX_PATH, ...paths].find((path) => path && existsSync(path));
}

function hasDriver() {
  if (process.platform !== 'linux' || process.env.VIT_ADAPTER === 'gpu') return true;
  return existsSync(DRIVERS) && readdirSync(DRIVERS).some((file) => file.startsWith('lvp_icd'));
}

/** @param {boolean} webgpu else as Firefox comes on Linux: without */
export function startFirefox(webgpu) {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error('There is no Firefox.');
  const extraPrefsFirefox = { ...QUIET, ...(webgpu ? WEBGPU : {}) };
  return launch({ browser: 'firefox', executablePath, headless: true, extraPrefsFirefox });
}
