/**
 * What the tests need of the machine besides Node: found, or installed where Debian's packages can be had.
 *
 * `attempt(command, args, stdio)` runs a command and returns whether it succeeded; one that is not there has not.
 */
import { spawnSync } from 'node:child_process';

export function attempt(command, args, stdio = 'inherit') {
  return spawnSync(command, args, { stdio }).status === 0;
}

const PYTHONS = [process.env.PYTHON, 'python3', '/usr/bin/python3', 'python'].filter(Boolean);

/** The first Python that trains: it has PyTorch, NumPy and Pillow. `undefined` where there is none and none to be had. */
export function pythonThatTrains(attempt, candidates = PYTHONS, isRoot = process.getuid?.() === 0) {
  const find = () => candidates.find((python) => attempt(python, ['-c', 'import torch, numpy, PIL'], 'ignore'));
  const found = find();
  if (found) return found;
  console.log('\n== no Python with PyTorch found: installing one');
  installPackages(attempt, ['python3-torch', 'python3-numpy', 'python3-pil'], isRoot);
  return find();
}

/** Nobody is asked for anything, a password least of all: whoever waits for tests may not be there. */
export function installPackages(attempt, packages, isRoot = process.getuid?.() === 0) {
  // sudo hands no environment on, so `env` comes behind it.
  const [command, ...start] = [...(isRoot ? [] : ['sudo', '-n']), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  // Old lists may still do.
  attempt(command, [...start, '-oAcquire::http::Timeout=20', 'update']);
  return attempt(command, [...start, 'install', '--yes', '--no-install-recommends', ...packages]);
}
