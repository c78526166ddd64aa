/**
 * Which Python the tests train with, on machines made of a few scripts: with PyTorch, without, offline, and without rights.
 * The commands are run as they stand, so that one in the wrong order fails as it would on a real machine.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attempt, pythonThatTrains } from '../harness/machine.js';

let folder: string;

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-machine-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const WITH_TORCH = 'exit 0';
const WITHOUT_TORCH = 'exit 1';
/** Fails where it is not asked as root or through sudo, or where a question could be asked; else brings `debian-python`. */
const APT = `
[ -n "$ROOT$SUDO" ] && [ "$DEBIAN_FRONTEND" = noninteractive ] || exit 100
echo "$@" >>"$0.log"
case "$*" in
  *install*--yes*python3-torch*python3-numpy*python3-pil*) printf '#!/bin/sh\\nexit 0\\n' >"$HERE/debian-python" && /bin/chmod +x "$HERE/debian-python" ;;
  *install*) exit 100 ;;
esac`;
/** Hands no environment on, and never waits for a password. */
const SUDO = '[ "$1" = -n ] || exit 1; shift; exec /usr/bin/env -i SUDO=yes HERE="$HERE" PATH="$PATH" "$@"';

/** @param commands scripts by name, which are all that this machine has besides `env` */
function machine(commands: Record<string, string>, isRoot: boolean) {
  const put = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  put('env', 'exec /usr/bin/env "$@"');
  for (const [name, script] of Object.entries(commands)) put(name, script);
  const env = { PATH: folder, HERE: folder, ROOT: isRoot ? 'yes' : '' };
  const run = (command: string, args: string[]) => spawnSync(command, args, { env, stdio: 'ignore' }).status === 0;
  const find = (wanted = '') => pythonThatTrains(run, [wanted, 'python3', 'debian-python'].filter(Boolean), isRoot);
  const log = join(folder, 'apt-get.log');
  return { find, asked: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') };
}

test('the one that is named comes first, and nothing is installed', () => {
  const { find, asked } = machine({ mine: WITH_TORCH, python3: WITH_TORCH, 'apt-get': APT }, true);
  expect(find('mine')).toBe('mine');
  expect(asked()).toBe('');
});

test('one without PyTorch is passed over', () => {
  const { find, asked } = machine({ mine: WITHOUT_TORCH, python3: WITH_TORCH, 'apt-get': APT }, true);
  expect(find('mine')).toBe('python3');
  expect(asked()).toBe('');
});

test("where there is none, Debian's is installed, after its lists are brought up to date", () => {
  const { find, asked } = machine({ python3: WITHOUT_TORCH, 'apt-get': APT }, true);
  expect(find()).toBe('debian-python');
  expect(asked()).toMatch(/update\n.*install/);
});

test('without rights it is done by sudo, which asks for no password', () => {
  expect(machine({ 'apt-get': APT, sudo: SUDO }, false).find()).toBe('debian-python');
});

test.each([
  ['without apt', {}, true],
  ['without rights or sudo', { 'apt-get': APT }, false],
  ['where sudo wants a password', { 'apt-get': APT, sudo: 'exit 1' }, false],
  ['offline', { 'apt-get': 'exit 100' }, true],
])('%s there is none, and no exception', (_, commands, isRoot) => {
  expect(machine(commands as Record<string, string>, isRoot).find()).toBeUndefined();
});

test('a command that fails, and one that is not there, have not succeeded', () => {
  expect(attempt(process.execPath, ['-e', ''], 'ignore')).toBe(true);
  expect(attempt(process.execPath, ['-e', 'process.exit(3)'], 'ignore')).toBe(false);
  expect(attempt('no-such-command', [], 'ignore')).toBe(false);
});
