/**
 * The package as somebody gets it: packed, and installed in an empty folder without what only its development needs.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns the folder, which is the caller's to remove */
export function installPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-consumer-'));
  const npm = (args: string[], cwd: string) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  const packed = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], process.cwd());
  const { filename } = JSON.parse(packed)[0];
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  npm(['install', '--omit=dev', '--no-audit', '--no-fund', join(folder, filename)], folder);
  return folder;
}
