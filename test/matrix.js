/**
 * `npm run test:matrix`: the packed library in small apps, one per bundler (test/package/apps), each built with its own
 * packages in a folder of its own and opened in Chrome; and library and page in Firefox (test/package/firefox.js). The last
 * line counts; what cannot be had is `NOT RUN`.
 *
 *   node test/matrix.js                    everything
 *   node test/matrix.js vite next firefox  these
 *
 * An app's package.json says in `matrix` how it is run: `build`, and the `folder`, if any, that is then served (at `base`; `strict`:
 * under a strict Content-Security-Policy), or `serve`, a server that listens on $PORT, or `script`, which prints its result. $TARBALL
 * is the package as it is published.
 * `refused` is what the error says where it cannot run.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright';
import { command, runJobs, summarize } from './harness/jobs.js';
import { freePort, serveFolder, startServer } from './harness/servers.js';
import { firefoxJob } from './package/firefox.js';

const APPS = 'test/package/apps';
const LANES = 2;
/** Of npm, when there is no registry. */
const NO_REGISTRY = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH/;

const apps = readdirSync(APPS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const wanted = process.argv.slice(2);
const isWanted = ({ name }) => wanted.length === 0 || wanted.includes(name);

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-matrix-'));
let tarball;
let startBrowser;
try {
  const jobs = [firefoxJob(() => startBrowser()), ...apps.map(({ name }) => appJob(name))];
  const outcomes = await runJobs([{ name: 'package', run: packLibrary }, ...jobs.filter(isWanted)], LANES);
  summarize([...outcomes.values()]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function packLibrary(print) {
  // The page's build begins with the library's.
  for (const target of ['page', 'cli']) {
    if (!(await command(print, 'npm', ['run', '--silent', `build:${target}`]))) return false;
  }
  let packed = '';
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  if (!(await command((text) => (packed += text), 'npm', pack))) return false;
  tarball = join(folder, JSON.parse(packed)[0].filename);
  const { chromeArguments, findChrome } = await import('../dist/cli/chrome.js');
  const software = process.env.VIT_ADAPTER !== 'gpu';
  const executablePath = findChrome(chromium.executablePath());
  startBrowser = () => chromium.launch({ executablePath, args: chromeArguments({ software }) });
  return true;
}

/** All runs of one app, one after the other. */
function appJob(name) {
  return {
    name,
    needs: ['package'],
    async run(print) {
      const app = join(folder, name);
      const { matrix, ...manifest } = JSON.parse(readFileSync(join(APPS, name, 'package.json'), 'utf8'));
      cpSync(join(APPS, name), app, { recursive: true });
      for (const shared of ['classify.js', 'outside.js']) cpSync(join(APPS, shared), join(app, shared));
      manifest.dependencies = { ...manifest.dependencies, 'vit-webgpu': `file:${tarball}` };
      writeFileSync(join(app, 'package.json'), JSON.stringify(manifest));
      // Where the servers of apps look for files that are served as they are; our own looks there, too.
      cpSync('weights/vit-cifar10', join(app, 'public/model'), { recursive: true });
      cpSync('public/samples/dog.jpg', join(app, 'public/model/dog.jpg'));

      const outcome = { passed: 0, failed: 0, failures: [], notRun: [] };
      const installed = await install(app, print);
      if (installed !== true) return installed ? { ...outcome, notRun: [`${name}: ${installed}`] } : false;
      for (const run of matrix) {
        const wrong = await tryRun(app, run, print).catch((error) => error.message);
        print(`${wrong ? '✘' : '✓'} ${name}: ${run.name}${wrong ? `\n${wrong}` : ''}\n`);
        outcome[wrong ? 'failed' : 'passed']++;
        if (wrong) outcome.failures.push(`${name}: ${run.name}`);
      }
      return outcome;
    },
  };
}

/** @returns {Promise<boolean | string>} whether it worked, or why it cannot be had */
async function install(app, print) {
  let said = '';
  const args = ['install', '--prefix', app, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  if (await command((text) => (said += text), 'npm', args)) return true;
  print(said);
  return NO_REGISTRY.test(said) && 'its packages could not be installed, for want of a registry.';
}

/** @returns {Promise<string | undefined>} what is wrong */
async function tryRun(app, { build, folder, base = '/', strict = false, serve, script, refused }, print) {
  const PATH = `${resolve(app, 'node_modules/.bin')}:${process.env.PATH}`;
  const env = { PATH, TARBALL: tarball, NEXT_TELEMETRY_DISABLED: '1' };
  if (build && !(await command(print, 'sh', ['-c', `cd ${app} && ${build}`], env))) return `"${build}" failed`;
  if (script) return tryScript(`cd ${app} && ${script}`, env, print);
  if (!folder && !serve) return undefined;
  const server = serve
    ? await startServer(app, serve, env, await freePort(), print)
    : await serveFolder([join(app, folder), join(app, 'public')], base, strict);
  try {
    const result = await open(`${server.origin}${base}`, print);
    const wrong = refused ? !refusedWith(result, refused) : !isRight(result);
    return wrong ? JSON.stringify(result) : undefined;
  } finally {
    await server.close();
  }
}

/** How it ends does not count: Deno with a software driver may crash when all is done. */
async function tryScript(line, env, print) {
  let said = '';
  await command((text) => (said += text), 'sh', ['-c', line], env);
  print(said);
  const result = /^\{"runs":.*\}$/m.exec(said)?.[0];
  if (!result) return 'It printed no result.';
  const { runs } = JSON.parse(result);
  return runs.length > 0 && runs.every(({ passed }) => passed) ? undefined : result;
}

async function open(url, print) {
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    page.on('console', (message) => message.type() === 'error' && print(`console: ${message.text()}\n`));
    page.on('pageerror', ({ message }) => print(`page: ${message}\n`));
    await page.goto(url);
    // A dev server may reload the page when it has found out what it needs.
    for (let times = 0; ; times++) {
      try {
        await page.waitForFunction(() => 'result' in globalThis, null, { timeout: 60_000 });
        return await page.evaluate(() => globalThis.result);
      } catch (error) {
        if (times === 2 || !/navigation|context was destroyed/.test(error.message)) throw error;
      }
    }
  } finally {
    await browser.close();
  }
}

function isRight({ backend, label, score, shape, warnings }) {
  const sees = label === 'dog' && score > 0.5;
  return backend === 'webgpu' && sees && String(shape) === '8,8' && warnings.length === 0;
}

function refusedWith({ code, error }, text) {
  return code === 'network' && error.includes(text);
}
