/**
 * Runs vitest and Playwright and reads their reports: how many tests passed, which failed, which were not run, and how long
 * each file took. A runner that ends badly without a failed test, or without any test, counts as a failure.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { command } from './jobs.js';

export const REPORTS = '.cache/test-reports';

/** @param {string} name of the report's file @returns {Promise<import('./jobs.js').Outcome>} */
export function vitest(print, name, args, env) {
  const report = `${REPORTS}/${name}.json`;
  const all = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  return runner(print, report, [...all, ...args], env, countVitest);
}

/** @returns {Promise<import('./jobs.js').Outcome>} */
export function playwright(print, name, args, env) {
  const report = `${REPORTS}/${name}.json`;
  const all = ['node_modules/@playwright/test/cli.js', 'test', '--reporter=list,json', `--output=test-results/${name}`];
  return runner(print, report, [...all, ...args], { ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: report }, countPlaywright);
}

async function runner(print, report, args, env, read) {
  mkdirSync(REPORTS, { recursive: true });
  const succeeded = await command(print, process.execPath, args, env);
  let outcome = { passed: 0, failed: 0, failures: [], notRun: [], files: [] };
  try {
    outcome = read(JSON.parse(readFileSync(report, 'utf8')));
  } catch (error) {
    print(`There is no report: ${error.message}\n`);
  }
  if ((!succeeded && outcome.failed === 0) || outcome.passed + outcome.failed === 0) {
    outcome.failed++;
    outcome.failures.push(`${report}: the run itself`);
  }
  return outcome;
}

function countVitest({ numPassedTests, numFailedTests, testResults }) {
  const notRun = [];
  const failures = [];
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    failures.push(...failed.map(({ fullName }) => `${relative('.', name)}: ${fullName}`));
    const skipped = assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed');
    if (skipped.length > 0)
      notRun.push(`${relative('.', name)}: ${skipped.map(({ fullName }) => fullName).join('; ')}`);
  }
  // A file that could not even be collected has no tests, and would pass unseen.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  failures.push(...broken.map(({ name }) => `${relative('.', name)}: the file itself`));
  const files = testResults.map(({ name, startTime, endTime }) => ({
    file: relative('.', name),
    seconds: (endTime - startTime) / 1000,
  }));
  return { passed: numPassedTests, failed: numFailedTests + broken.length, failures, notRun, files };
}

function countPlaywright({ stats, errors, suites, config }) {
  const notRun = stats.skipped > 0 ? [`${stats.skipped} of Playwright's tests, which its list marks with a dash.`] : [];
  const files = suites.map((suite) => ({
    file: relative('.', `${config.rootDir}/${suite.file}`),
    seconds: durationOf(suite) / 1000,
  }));
  const failures = [
    ...errors.map(({ message }) => message),
    ...suites.flatMap((suite) => failuresIn(suite, suite.file)),
  ];
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky + errors.length, failures, notRun, files };
}

function failuresIn({ suites = [], specs = [] }, file) {
  const failed = specs.flatMap(({ title, tests }) =>
    tests.filter(({ status }) => status === 'unexpected' || status === 'flaky').map(() => `${file}: ${title}`),
  );
  return [...failed, ...suites.flatMap((suite) => failuresIn(suite, file))];
}

function durationOf({ suites = [], specs = [] }) {
  const results = specs.flatMap(({ tests }) => tests.flatMap(({ results }) => results));
  const own = results.reduce((sum, { duration }) => sum + duration, 0);
  return suites.reduce((sum, suite) => sum + durationOf(suite), own);
}
