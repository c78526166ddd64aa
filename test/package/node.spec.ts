/**
 * The same engine in Node, given a device: as the benchmarks run it. The driver is the SwiftShader that comes with Chrome.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@playwright/test';

/** Debian's chromium is a script in /usr/bin that starts the one beside its libraries. */
function chromeFolder(): string {
  const folders = [dirname(realpathSync(process.env.CHROME_PATH!)), '/usr/lib/chromium', '/opt/google/chrome'];
  const folder = folders.find((folder) => {
    try {
      return readdirSync(folder).includes('libvk_swiftshader.so');
    } catch {
      return false;
    }
  });
  if (!folder) throw new Error(`No libvk_swiftshader.so beside Chrome, in ${folders.join(', ')}.`);
  return folder;
}

test('the golden of the embedded model holds on Dawn for Node', () => {
  const chrome = chromeFolder();
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-node-'));
  const icd = JSON.parse(readFileSync(join(chrome, 'vk_swiftshader_icd.json'), 'utf8'));
  icd.ICD.library_path = join(chrome, 'libvk_swiftshader.so');
  writeFileSync(join(folder, 'icd.json'), JSON.stringify(icd));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['test/harness/node-engine.js'], {
    encoding: 'utf8',
    env: { ...process.env, LD_LIBRARY_PATH: chrome, VK_ICD_FILENAMES: join(folder, 'icd.json') },
  });
  rmSync(folder, { recursive: true });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ backend: 'webgpu', selfTest: { passed: true } });
});
