/**
 * `npm test`: static checks, builds, and every kind of test, as many side by side as there are cores. Goes on after a
 * failure, so that one run shows all of them; the last line counts.
 *
 *   node test/run.js            everything
 *   node test/run.js --models   what needs the real checkpoints of VIT_MODELS, alone
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { chromium } from 'playwright';
import { command, runJobs, summarize } from './harness/jobs.js';
import { attempt, installPackages } from './harness/machine.js';
import { playwright, REPORTS, vitest } from './harness/reports.js';

/** Chrome's own threads want a core, too: more lanes than this only wait for one another. */
const LANES = Math.max(1, Math.min(4, availableParallelism()));
const SLOWEST = 10;

/** What cannot be run here, and why: printed at the end. */
const notRun = [];
const start = performance.now();

rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });
const outcomes = await runJobs(process.argv.includes('--models') ? modelJobs() : await allJobs(), LANES, REPORTS);
report([...outcomes.values()]);

/** As soon as they can start; short ones at the end, where otherwise a lane stands empty beside a long one. */
async function allJobs() {
  const elsewhere = await watchElsewhere();
  // The page's build begins with the library's.
  const built = ['build page', 'Chrome'];
  const browserTests = (name) => ({
    name,
    needs: built,
    run: (print) => playwright(print, name, [`--project=${name}`]),
  });
  const browsers = ['gpu', 'page', 'reliability', 'package', 'leaks', 'field'];
  return [
    build('cli'),
    chromeJob(),
    { name: 'gpu', needs: ['Chrome'], run: (print) => vitest(print, 'gpu', ['--project=gpu']) },
    build('page'),
    { name: 'types', run: (print) => command(print, 'npx', ['--no-install', 'tsc', '--noEmit']) },
    { name: 'lint', run: (print) => command(print, 'npx', ['--no-install', 'biome', 'check', '--error-on-warnings']) },
    { name: 'audit', run: audit },
    { name: 'unit', run: (print) => vitest(print, 'unit', ['--project=unit', '--project=unit-alone']) },
    ...browsers.slice(1).map((name) => browserTests(name)),
    {
      name: 'no request left localhost',
      after: browsers,
      run: async (print) => elsewhere.sawOnly(['from-vitest.invalid', 'from-playwright.invalid'], print),
    },
  ];
}

/** Every spec of the browser that reads a real checkpoint. */
function modelJobs() {
  if (!process.env.VIT_MODELS) throw new Error('Set VIT_MODELS to the folder of the real checkpoints.');
  const specs = readdirSync('test/model').filter((file) =>
    /\brealModel\b/.test(readFileSync(`test/model/${file}`, 'utf8')),
  );
  return [
    build('cli'),
    chromeJob(),
    ...specs.map((file) => ({
      name: file.replace('.spec.ts', ''),
      needs: ['Chrome'],
      run: (print) => vitest(print, file, ['--project=gpu', `test/model/${file}`]),
    })),
  ];
}

function build(target) {
  return { name: `build ${target}`, run: (print) => command(print, 'npm', ['run', '--silent', `build:${target}`]) };
}

/** `CHROME_PATH` or one that is found, else Playwright's Chromium, else Debian's. */
function chromeJob() {
  return {
    name: 'Chrome',
    needs: ['build cli'],
    async run(print) {
      const { findChrome } = await import('../dist/cli/chrome.js');
      const own = chromium.executablePath();
      if (!findChrome(own)) await installChrome(print);
      const path = findChrome(own);
      if (path) process.env.CHROME_PATH = path;
      print(path ?? 'There is none, and none could be installed: install one, or set CHROME_PATH.');
      return path !== undefined;
    },
  };
}

async function installChrome(print) {
  print('none found: installing one\n');
  if (!(await command(print, 'npx', ['--no-install', 'playwright', 'install', 'chromium'])))
    installPackages(attempt, ['chromium']);
}

/** What is known of the runtime dependencies' faults. A registry that gives no answer has not said that there are none. */
async function audit(print) {
  let stdout = '';
  await command((text) => (stdout += text), 'npm', ['audit', '--omit=dev', '--json', '--fetch-timeout=20000']);
  const { vulnerabilities, message = 'no answer' } = parse(stdout);
  if (!vulnerabilities) {
    notRun.push(`npm audit of the runtime dependencies: the registry did not say what it knows (${message}).`);
    return true;
  }
  const names = Object.keys(vulnerabilities);
  if (names.length > 0) print(`known faults: ${names.join(', ')}; see npm audit --omit=dev`);
  return names.length === 0;
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

/** What the browsers of all tests look for beyond localhost. */
async function watchElsewhere() {
  const log = `${REPORTS}/elsewhere.log`;
  const server = spawn('node', ['test/harness/elsewhere.js', log], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => server.kill());
  process.env.VIT_ELSEWHERE = (await once(server.stdout, 'data')).toString().trim();
  return {
    /** @param hosts that tests ask for, to show that they are seen */
    sawOnly(hosts, print) {
      server.kill();
      const seen = new Set(readFileSync(log, 'utf8').split('\n').filter(Boolean));
      const failures = [
        ...[...seen].filter((host) => !hosts.includes(host)).map((host) => `wanted elsewhere: ${host}`),
        ...hosts.filter((host) => !seen.has(host)).map((host) => `asked for by a test, but not seen: ${host}`),
      ];
      for (const failure of failures) print(`${failure}\n`);
      return { passed: Number(failures.length === 0), failed: failures.length, failures };
    },
  };
}

function report(outcomes) {
  const files = outcomes.flatMap(({ files = [] }) => files).sort((a, b) => b.seconds - a.seconds);
  console.log('\nslowest files, in seconds:');
  for (const { file, seconds } of files.slice(0, SLOWEST)) console.log(`${seconds.toFixed(1).padStart(7)}  ${file}`);
  console.log(`${((performance.now() - start) / 60_000).toFixed(1)} minutes in all\n`);
  summarize([...outcomes, { passed: 0, failed: 0, notRun }]);
}
