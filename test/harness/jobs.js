/**
 * Jobs side by side on a few lanes: each starts when what it needs has passed, what it comes after has ended, and a lane is
 * free, in the order of the list. What a job prints appears in one piece when it ends, so that two at once can be read; until then it is in a file.
 *
 * @typedef {{ passed: number, failed: number, failures?: string[], notRun?: string[], files?: { file: string, seconds: number }[] }} Outcome
 * @typedef {{ name: string, needs?: string[], after?: string[], run: (print: (text: string) => void) => Promise<Outcome | boolean> }} Job
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/**
 * @param {Job[]} jobs @param {number} lanes @param {string} [folder] of the files NAME.log
 * @returns {Promise<Map<string, Outcome>>} of each, by name
 */
export async function runJobs(jobs, lanes, folder) {
  const outcomes = new Map();
  const waiting = [...jobs];
  const running = new Set();
  const hasPassed = (name) => outcomes.get(name)?.failed === 0;
  while (waiting.length > 0 || running.size > 0) {
    for (const job of [...waiting]) {
      const { name, needs = [], after = [] } = job;
      const missing = needs.find((need) => outcomes.has(need) && !hasPassed(need));
      if (missing) {
        waiting.splice(waiting.indexOf(job), 1);
        console.log(`\n== ${name} needs ${missing}, which failed`);
        outcomes.set(name, { passed: 0, failed: 1, failures: [`${name}: ${missing} failed`] });
      } else if (running.size < lanes && needs.every(hasPassed) && after.every((other) => outcomes.has(other))) {
        waiting.splice(waiting.indexOf(job), 1);
        const ending = runJob(job, folder).then((outcome) => {
          outcomes.set(name, outcome);
          running.delete(ending);
        });
        running.add(ending);
      }
    }
    if (running.size > 0) await Promise.race(running);
  }
  return outcomes;
}

async function runJob({ name, run }, folder) {
  const start = performance.now();
  let text = '';
  const print = (more) => {
    text += more;
    if (folder) appendFileSync(`${folder}/${name.replaceAll(' ', '-')}.log`, more);
  };
  const result = await run(print).catch((error) => {
    print(`${error.stack}\n`);
    return false;
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`\n== ${name} (${seconds} s)\n${text.trimEnd()}`);
  if (typeof result !== 'boolean') return result;
  return { passed: Number(result), failed: Number(!result), failures: result ? [] : [name] };
}

/** Prints what was not run, what failed, and, as the last line, how much passed. Sets the exit status. */
export function summarize(outcomes) {
  for (const what of outcomes.flatMap(({ notRun = [] }) => notRun)) console.log(`NOT RUN: ${what}`);
  for (const what of outcomes.flatMap(({ failures = [] }) => failures)) console.log(`FAILED: ${what}`);
  const total = (key) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
  console.log(`${total('passed')} passed, ${total('failed')} failed`);
  process.exitCode = total('failed') === 0 ? 0 : 1;
}

/** Runs a command, printing what it prints. @returns {Promise<boolean>} whether it succeeded */
export function command(print, name, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', print);
    child.on('error', ({ message }) => {
      print(`${message}\n`);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}
