/**
 * Whether lavapipe can be had, Mesa's software driver, on which Node runs by lavapipe.sh.
 */
import { spawnSync } from 'node:child_process';

/** Installs it, unless it is there, or the machine's own GPU is asked for. Returns why that cannot be, or nothing. */
export function lavapipeFailure() {
  if (process.env.VIT_ADAPTER === 'gpu') return '';
  const { status, stderr, error } = spawnSync('test/harness/lavapipe.sh', ['--version'], { encoding: 'utf8' });
  return status === 0 ? '' : (stderr || error?.message || `It ended with ${status}.`).trim();
}
