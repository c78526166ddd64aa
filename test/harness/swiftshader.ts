/**
 * SwiftShader as the Vulkan driver of another program: the one that comes with Chrome.
 */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** @param use is given the environment of the program */
export async function withSwiftShader<T>(use: (env: NodeJS.ProcessEnv) => T | Promise<T>): Promise<T> {
  const chrome = chromeFolder();
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-node-'));
  try {
    const icd = JSON.parse(readFileSync(join(chrome, 'vk_swiftshader_icd.json'), 'utf8'));
    icd.ICD.library_path = join(chrome, 'libvk_swiftshader.so');
    writeFileSync(join(folder, 'icd.json'), JSON.stringify(icd));
    return await use({ ...process.env, LD_LIBRARY_PATH: chrome, VK_ICD_FILENAMES: join(folder, 'icd.json') });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

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
