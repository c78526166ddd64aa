/**
 * The package as somebody gets it: packed, and installed in an empty folder without what only its development needs. `PACKED`
 * names a folder where that is done (test/matrix.js).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let installed = process.env.PACKED;

/** @returns a folder of its own, which is the caller's to remove */
export function installPackage(): string {
  if (installed === undefined) {
    const folder = install();
    process.once('exit', () => rmSync(folder, { recursive: true }));
    installed = folder;
  }
  const copy = mkdtempSync(PREFIX);
  // The links to its commands, too, stay within it.
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

const PREFIX = join(tmpdir(), 'vit-webgpu-consumer-');

function install(): string {
  const folder = mkdtempSync(PREFIX);
  const npm = (args: string[], cwd: string) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  const packed = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], process.cwd());
  const { filename } = JSON.parse(packed)[0];
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  npm(['install', '--omit=dev', '--no-audit', '--no-fund', join(folder, filename)], folder);
  return folder;
}
