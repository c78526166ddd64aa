/**
 * Which Python the tests train with, on machines that are made up: with PyTorch, without, offline, and without rights.
 */
import { beforeEach, expect, test, vi } from 'vitest';
import { type Attempt, attempt, pythonThatTrains } from '../harness/machine.js';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
});

/** @param torch Pythons that have PyTorch; `apt-get install` adds `/usr/bin/python3`, if it works */
function machine({ torch = [] as string[], has = ['env', 'apt-get'], isOnline = true }) {
  const said: string[] = [];
  const run: Attempt = (command, args) => {
    said.push([command, ...args].join(' '));
    if (args[0] === '-c') return torch.includes(command);
    const commands = [command, ...args].filter((word) => ['sudo', 'env', 'apt-get'].includes(word));
    const works = isOnline && commands.every((word) => has.includes(word));
    if (works && args.includes('install')) torch.push('/usr/bin/python3');
    return works;
  };
  return { said, run };
}

const IMPORTS = '-c import torch, numpy, PIL';

test('the one that is named comes first, and nothing is installed', () => {
  const { said, run } = machine({ torch: ['/opt/python', 'python3'] });
  expect(pythonThatTrains(run, '/opt/python', true)).toBe('/opt/python');
  expect(said).toEqual([`/opt/python ${IMPORTS}`]);
});

test('one without PyTorch is passed over', () => {
  const { said, run } = machine({ torch: ['/usr/bin/python3'] });
  expect(pythonThatTrains(run, '', true)).toBe('/usr/bin/python3');
  expect(said).toEqual([`python3 ${IMPORTS}`, `/usr/bin/python3 ${IMPORTS}`]);
});

test("where none is, Debian's is installed", () => {
  const { said, run } = machine({});
  expect(pythonThatTrains(run, '', true)).toBe('/usr/bin/python3');
  expect(said.filter((line) => line.includes('apt-get'))).toEqual([
    'env DEBIAN_FRONTEND=noninteractive apt-get -oAcquire::http::Timeout=20 update',
    'env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-torch python3-numpy python3-pil',
  ]);
});

test('without rights it is done by sudo, which asks for no password', () => {
  const { said, run } = machine({ has: ['sudo', 'env', 'apt-get'] });
  expect(pythonThatTrains(run, '', false)).toBe('/usr/bin/python3');
  for (const line of said.filter((line) => line.includes('apt-get'))) expect(line).toMatch(/^sudo -n env /);
});

test.each([
  ['without apt', { has: ['env'] }, true],
  ['without rights or sudo', {}, false],
  ['offline', { isOnline: false }, true],
])('%s there is none, and no exception', (_, kind, isRoot) => {
  const { said, run } = machine(kind);
  expect(pythonThatTrains(run, '', isRoot)).toBeUndefined();
  expect(said.at(-1)).toBe(`python ${IMPORTS}`);
});

test('a command that fails, and one that is not there, have not succeeded', () => {
  expect(attempt(process.execPath, ['-e', ''], 'ignore')).toBe(true);
  expect(attempt(process.execPath, ['-e', 'process.exit(3)'], 'ignore')).toBe(false);
  expect(attempt('no-such-command', [], 'ignore')).toBe(false);
});
