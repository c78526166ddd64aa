/**
 * A Redis of the tests' own: found or installed, on a port of its own, with nothing kept on disk.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { attempt, installPackages } from './machine.js';
import { freePort } from './servers.js';

const SERVER = 'redis-server';

/** Finds Redis, or installs it. @returns {string} why that cannot be, or nothing */
export function redisFailure() {
  const isThere = () => attempt(SERVER, ['--version'], 'ignore');
  if (!isThere()) installPackages(attempt, [SERVER]);
  return isThere() ? '' : `It needs Debian's ${SERVER}, which could not be installed.`;
}

/** @param {(text: string) => void} print */
export async function startRedis(print) {
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(SERVER, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  while (!said.includes('Ready to accept connections')) {
    const [event] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    if (child.exitCode !== null || event === null) throw new Error(`Redis did not start:\n${said}`);
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      if (child.exitCode === null) {
        child.kill();
        await once(child, 'exit');
      }
      print('Redis has stopped.\n');
    },
  };
}
