/**
 * `npm run test:matrix`: the packed library installed by itself (test/packed), in small apps, one per bundler (test/package/apps), and in the examples, each built
 * with its own packages in a folder of its own and opened in Chrome; library and page in Firefox (test/package/firefox.js); the
 * site of the documentation (test/package/docs.js); every kernel and family on a second driver, lavapipe, and what SwiftShader
 * does not have: f16, subgroups and subgroup matrices (test/tiers); training with PyTorch (test/training); and workers on a real
 * Redis (test/package/queue.js). The last line counts; what cannot be had is `NOT RUN`.
 *
 *   node test/matrix.js                    everything
 *   node test/matrix.js vite next firefox  these
 *
 * An app's package.json says in `matrix` how it is run, test/package/examples.json says it of the examples: `build`, and the `folder`, if any, that is then served (at `base`; `strict`:
 * under a strict Content-Security-Policy), or `serve`, a server that listens on $PORT, or `script`, which prints its result. $TARBALL
 * is the package as it is published.
 * `refused` is what the error says where it cannot run. An `extension` is loaded from that folder. An app leaves its answer in
 * `globalThis.result`; an example (`photo`) is used as by a person, who chooses a photo and reads what it shows.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { chromium } from 'playwright';
import { command, runJobs, summarize } from './harness/jobs.js';
import { lavapipeFailure } from './harness/lavapipe.js';
import { attempt, pythonThatTrains } from './harness/machine.js';
import { playwright, vitest } from './harness/reports.js';
import { freePort, serveFolder, startServer } from './harness/servers.js';
import { docsJob } from './package/docs.js';
import { firefoxJob } from './package/firefox.js';
import { queueJob } from './package/queue.js';

const APPS = 'test/package/apps';
const EXAMPLES = JSON.parse(readFileSync('test/package/examples.json', 'utf8'));
const MODEL = 'weights/vit-cifar10';
const PHOTO = 'public/samples/dog.jpg';
/** Of the embeddings of all samples. */
const INDEX = 'index';
const LANES = 2;
/** Of npm, when there is no registry. */
const NO_REGISTRY = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH/;

const apps = readdirSync(APPS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const examples = Object.entries(EXAMPLES);
const wanted = process.argv.slice(2);
const isWanted = ({ name }) => wanted.length === 0 || wanted.includes(name);

/** Need nothing that is built; the longer one first. */
const lavapipeJobs = [
  ['lavapipe', 'Every kernel and family on lavapipe.'],
  ['tiers', 'f16, subgroups and subgroup matrices.'],
].map(([name, what]) => ({
  name,
  async run(print) {
    const failure = lavapipeFailure();
    if (failure) return { passed: 0, failed: 0, notRun: [`${what} ${failure}`] };
    return vitest(print, name, [`--project=${name}`]);
  },
}));

const packedJob = {
  name: 'packed',
  needs: ['package'],
  async run(print) {
    const app = join(folder, 'packed');
    mkdirSync(app);
    const dependencies = { 'vit-webgpu': `file:${tarball}` };
    writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
    const installed = await install(app, print);
    if (installed !== true) return installed ? { passed: 0, failed: 0, notRun: [`packed: ${installed}`] } : false;
    return specs(print, 'packed', { PACKED: app });
  },
};

const trainingJob = {
  name: 'training',
  needs: ['package'],
  async run(print) {
    const python = pythonThatTrains(attempt);
    const failure = 'training. It needs a Python with PyTorch, NumPy and Pillow; PYTHON says which one.';
    if (!python) return { passed: 0, failed: 0, notRun: [failure] };
    return specs(print, 'training', { PYTHON: python });
  },
};

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-matrix-'));
let tarball;
/** Options that start Chrome. */
let withArguments;
/** Google's own Chrome takes none from the command line. */
let loadsExtensions;
try {
  const startChrome = () => chromium.launch(withArguments());
  const jobs = [
    ...lavapipeJobs,
    firefoxJob(startChrome),
    docsJob(startChrome, install, command),
    queueJob({ folder, tarball: () => tarball, install }),
    packedJob,
    trainingJob,
    ...apps.map(({ name }) => appJob(name)),
    ...examples.map(exampleJob),
  ];
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
  const [vectors, samples] = [join(folder, 'vectors'), dirname(PHOTO)];
  for (const args of [
    ['embed', '--images', samples, '--out', vectors],
    ['index', vectors, '--out', join(folder, INDEX)],
  ]) {
    if (!(await command(print, process.execPath, ['dist/cli/vit-webgpu.js', ...args]))) return false;
  }
  const { chromeArguments, findChrome } = await import('../dist/cli/chrome.js');
  const software = process.env.VIT_ADAPTER !== 'gpu';
  const executablePath = findChrome(chromium.executablePath());
  withArguments = (more = []) => ({ executablePath, args: [...chromeArguments({ software }), ...more] });
  loadsExtensions = !/^Google Chrome \d/.test(
    execFileSync(executablePath, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  return true;
}

/** Of a project of Playwright's. */
function specs(print, project, env) {
  return playwright(print, project, [`--project=${project}`], { ...env, CHROME_PATH: withArguments().executablePath });
}

function appJob(name) {
  const source = join(APPS, name);
  const { matrix, ...manifest } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  return consumerJob(name, source, manifest, matrix, (app) => {
    for (const shared of ['classify.js', 'outside.js']) cpSync(join(APPS, shared), join(app, shared));
    // Where the servers of apps look for files that are served as they are; our own looks there, too.
    cpSync(MODEL, join(app, 'public/model'), { recursive: true });
    cpSync(PHOTO, join(app, 'public/model/dog.jpg'));
    cpSync(join(folder, INDEX), join(app, 'public/model', INDEX), { recursive: true });
  });
}

/** It copies the model itself. */
function exampleJob([name, runs]) {
  const source = join('examples', name);
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  return consumerJob(source, source, manifest, runs, () => {});
}

/** All runs of one app, one after the other. */
function consumerJob(name, source, manifest, runs, prepare) {
  return {
    name,
    needs: ['package'],
    async run(print) {
      const app = join(folder, name);
      cpSync(source, app, { recursive: true, filter: (path) => !path.includes('node_modules') });
      const dependencies = { ...manifest.dependencies, 'vit-webgpu': `file:${tarball}` };
      writeFileSync(join(app, 'package.json'), JSON.stringify({ ...manifest, dependencies }));
      prepare(app);

      const outcome = { passed: 0, failed: 0, failures: [], notRun: [] };
      const installed = await install(app, print);
      if (installed !== true) return installed ? { ...outcome, notRun: [`${name}: ${installed}`] } : false;
      for (const run of runs) {
        if (run.extension && !loadsExtensions) {
          outcome.notRun.push(`${name}: it needs Chromium; Google Chrome loads no extension by itself.`);
          continue;
        }
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
async function install(app, print, verb = 'install') {
  let said = '';
  const args = [verb, '--prefix', app, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  if (await command((text) => (said += text), 'npm', args)) return true;
  print(said);
  return NO_REGISTRY.test(said) && 'its packages could not be installed, for want of a registry.';
}

/** @returns {Promise<string | undefined>} what is wrong */
async function tryRun(app, run, print) {
  const { build, folder, base = '/', strict = false, serve, script, extension } = run;
  const PATH = `${resolve(app, 'node_modules/.bin')}:${process.env.PATH}`;
  const env = { PATH, TARBALL: tarball, NEXT_TELEMETRY_DISABLED: '1' };
  if (build && !(await command(print, 'sh', ['-c', `cd ${app} && ${build}`], env))) return `"${build}" failed`;
  if (script) return tryScript(`cd ${app} && ${script}`, env, print);
  if (extension) return tryExtension(join(app, extension), print);
  if (!folder && !serve) return undefined;
  const server = serve
    ? await startServer(app, serve, env, await freePort(), print)
    : await serveFolder([join(app, folder), join(app, 'public')], base, strict);
  try {
    return await withPage((page) => tryPage(page, `${server.origin}${base}`, run), print);
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

/** @param {(page: import('playwright').Page) => Promise<string | undefined>} use */
async function withPage(use, print) {
  const browser = await chromium.launch(withArguments());
  try {
    return await use(watch(await browser.newPage(), print));
  } finally {
    await browser.close();
  }
}

function watch(page, print) {
  page.on('console', (message) => message.type() === 'error' && print(`console: ${message.text()}\n`));
  page.on('pageerror', ({ message }) => print(`page: ${message}\n`));
  return page;
}

async function tryPage(page, url, { photo, refused }) {
  await page.goto(url);
  if (photo) return tryPhoto(page);
  const result = await resultOf(page);
  const wrong = refused ? !refusedWith(result, refused) : !isRight(result);
  return wrong ? JSON.stringify(result) : undefined;
}

/** A dev server may reload the page when it has found out what it needs. */
async function resultOf(page) {
  for (let times = 0; ; times++) {
    try {
      await page.waitForFunction(() => 'result' in globalThis, null, { timeout: 60_000 });
      return await page.evaluate(() => globalThis.result);
    } catch (error) {
      if (times === 2 || !/navigation|context was destroyed/.test(error.message)) throw error;
    }
  }
}

/** A page that is not there yet takes no notice of a photo: it is chosen until it is answered. */
async function tryPhoto(page) {
  for (let times = 0; times < 4; times++) {
    await page.locator('input[type=file]').setInputFiles(PHOTO);
    if (await shows(page, 15_000)) return undefined;
  }
  return `It shows: ${await page.locator('body').innerText()}`;
}

function shows(page, timeout) {
  const dog = page.getByText(/\bdog\b/).first();
  return dog.waitFor({ timeout }).then(
    () => true,
    () => false,
  );
}

/** Shown a file, and the address of a picture on another origin, which an extension may read where a page may not. */
async function tryExtension(extension, print) {
  const args = [`--load-extension=${extension}`, `--disable-extensions-except=${extension}`];
  const context = await chromium.launchPersistentContext('', withArguments(args));
  const server = await serveFolder([dirname(PHOTO)], '/');
  try {
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker', { timeout: 30_000 }));
    const address = new URL('page.html', worker.url()).href;
    const page = watch(await context.newPage(), print);
    await page.goto(address);
    const wrong = await tryPhoto(page);
    if (wrong) return wrong;
    await page.goto(`${address}?src=${encodeURIComponent(`${server.origin}/${basename(PHOTO)}`)}`);
    return (await shows(page, 30_000))
      ? undefined
      : `Of an address it shows: ${await page.locator('body').innerText()}`;
  } finally {
    server.close();
    await context.close();
  }
}

function isRight({ backend, label, score, shape, found, warnings }) {
  const sees = label === 'dog' && score > 0.5 && /\bdog\.jpg$/.test(found);
  return backend === 'webgpu' && sees && String(shape) === '8,8' && warnings.length === 0;
}

function refusedWith({ code, error }, text) {
  return code === 'network' && error.includes(text);
}
