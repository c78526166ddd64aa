/**
 * `npm test`: static checks, builds, and every kind of test, one after another. Goes on after a failure, so that one run
 * tells all; the last line counts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { chromium } from 'playwright';
import { attempt, installPackages, pythonThatTrains } from './harness/machine.js';

const REPORTS = '.cache/test-reports';
const count = { passed: 0, failed: 0 };
/** What was skipped, for want of a checkpoint, a feature of the GPU or a driver: told at the end. */
const notRun = [];

rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });

step('types', () => run('tsc', ['--noEmit']));
step('lint and format', () => run('biome', ['check', '--error-on-warnings']));
step('audit of what the library depends on', audit);
const built = ['lib', 'page', 'cli'].every((target) => step(`build ${target}`, () => npm(`build:${target}`)));
const noLavapipe = process.env.VIT_ADAPTER === 'gpu' ? '' : lavapipeFailure();
if (noLavapipe) notRun.push(`f16, subgroups and subgroup matrices, and every kernel on lavapipe. ${noLavapipe}`);
const python = pythonThatTrains(attempt);
if (!python) notRun.push('training. It needs a Python with PyTorch, NumPy and Pillow; PYTHON says which one.');
const chrome = built && (await import('../dist/cli/chrome.js'));
if (built && step('Chrome', () => haveChrome(chrome))) {
  const elsewhere = await watchElsewhere();
  const vitest = ['run', '--reporter=default', '--reporter=json', `--outputFile=${REPORTS}/vitest.json`];
  if (noLavapipe) vitest.push('--project=!tiers');
  suite('vitest', vitest, countVitest);
  process.env.PLAYWRIGHT_JSON_OUTPUT_NAME = `${REPORTS}/playwright.json`;
  const playwright = ['test', '--reporter=list,json'];
  if (python) process.env.PYTHON = python;
  else playwright.push(...['page', 'package', 'reliability'].map((project) => `--project=${project}`));
  suite('playwright', playwright, countPlaywright);
  step('no request left localhost', () => elsewhere.sawOnly(['from-vitest.invalid', 'from-playwright.invalid']));
}
for (const what of notRun) console.log(`NOT RUN: ${what}`);
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;

/** One check that passes or fails as a whole. */
function step(name, check) {
  console.log(`\n== ${name}`);
  const passed = check();
  count[passed ? 'passed' : 'failed']++;
  if (!passed) console.log(`== ${name} failed`);
  return passed;
}

/** A test runner with a count of its own. One that ends badly without a failed test counts as a failure. */
function suite(runner, args, countReport) {
  console.log(`\n== ${runner}`);
  const succeeded = run(runner, args);
  const result = { passed: 0, failed: 0 };
  try {
    Object.assign(result, countReport(JSON.parse(readFileSync(`${REPORTS}/${runner}.json`, 'utf8'))));
  } catch (error) {
    console.log(`${runner} left no report: ${error.message}`);
  }
  if ((!succeeded && result.failed === 0) || result.passed + result.failed === 0) result.failed++;
  count.passed += result.passed;
  count.failed += result.failed;
}

function countVitest({ numPassedTests, numFailedTests, testResults }) {
  for (const { name, assertionResults } of testResults) {
    const skipped = assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed');
    if (skipped.length > 0)
      notRun.push(`${relative('.', name)}: ${skipped.map(({ fullName }) => fullName).join('; ')}`);
  }
  // A file that could not even be collected has no tests, and would pass unseen.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return { passed: numPassedTests, failed: numFailedTests + broken.length };
}

function countPlaywright({ stats, errors }) {
  if (stats.skipped > 0) notRun.push(`${stats.skipped} of Playwright's tests, which its list marks with a dash.`);
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky + errors.length };
}

/** What the browsers of all tests look for beyond localhost. A process of its own: this one waits for its tests. */
async function watchElsewhere() {
  const log = `${REPORTS}/elsewhere.log`;
  const server = spawn('node', ['test/harness/elsewhere.js', log], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => server.kill());
  process.env.VIT_ELSEWHERE = (await once(server.stdout, 'data')).toString().trim();
  return {
    /** @param hosts that tests ask for, to show that they are seen */
    sawOnly(hosts) {
      server.kill();
      const seen = new Set(readFileSync(log, 'utf8').split('\n').filter(Boolean));
      const others = [...seen].filter((host) => !hosts.includes(host));
      const missed = hosts.filter((host) => !seen.has(host));
      if (others.length > 0) console.log(`wanted elsewhere: ${others.join(', ')}`);
      if (missed.length > 0) console.log(`asked for by a test, but not seen: ${missed.join(', ')}`);
      return others.length + missed.length === 0;
    },
  };
}

/** What is known of the runtime dependencies' faults. A registry that gives no answer has not said that there are none. */
function audit() {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: 60_000 });
  const { vulnerabilities, message = 'no answer' } = parse(stdout);
  if (!vulnerabilities) {
    notRun.push(`npm audit of the runtime dependencies: the registry did not say what it knows (${message}).`);
    return true;
  }
  const names = Object.keys(vulnerabilities);
  if (names.length > 0) console.log(`known faults: ${names.join(', ')}; see npm audit --omit=dev`);
  return names.length === 0;
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

function run(command, args) {
  return spawnSync('npx', ['--no-install', command, ...args], { stdio: 'inherit' }).status === 0;
}

function npm(script) {
  return spawnSync('npm', ['run', '--silent', script], { stdio: 'inherit' }).status === 0;
}

/** Installs lavapipe, unless it is there. Returns why that cannot be, or nothing. */
function lavapipeFailure() {
  console.log('\n== lavapipe');
  const { status, stderr, error } = spawnSync('test/harness/lavapipe.sh', ['--version'], { encoding: 'utf8' });
  const failure = status === 0 ? '' : (stderr || error?.message || `It ended with ${status}.`).trim();
  console.log(failure || 'ready');
  return failure;
}

/** `CHROME_PATH` or one that is found, else Playwright's Chromium, else Debian's. */
function haveChrome({ findChrome }) {
  const own = chromium.executablePath();
  try {
    if (!findChrome(own)) installChrome();
    const path = findChrome(own);
    if (path) process.env.CHROME_PATH = path;
    else console.log('There is none, and none could be installed: install one, or set CHROME_PATH.');
    return path !== undefined;
  } catch (error) {
    console.log(error.message);
    return false;
  }
}

function installChrome() {
  console.log('none found: installing one');
  if (!run('playwright', ['install', 'chromium'])) installPackages(attempt, ['chromium']);
}
