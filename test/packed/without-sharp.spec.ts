/**
 * `vit-webgpu/node` where only the library is installed: no sharp, and a decoder of one's own in its place.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { installPackage } from './install.ts';

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { loadViT } from 'vit-webgpu/node';

const model = 'node_modules/vit-webgpu/weights/vit-cifar10';
const vit = await loadViT(model);
const without = await vit.classify('dog.jpg').catch(({ code, message }) => ({ code, message }));
const decode = (bytes) => ({ data: new Uint8Array(3 * 64 * 48).fill(bytes.length % 256), width: 64, height: 48 });
const own = await loadViT(model, { decode });
const grey = await own.classify('dog.jpg');
const same = await vit.classify(decode(readFileSync('dog.jpg')));
console.log(JSON.stringify({ without, grey, same }));
`;

test('a decoder of one’s own takes the place of sharp, which need not be installed', () => {
  const folder = installPackage();
  try {
    cpSync('public/samples/dog.jpg', join(folder, 'dog.jpg'));
    writeFileSync(join(folder, 'program.js'), PROGRAM);
    const result = JSON.parse(
      execFileSync(process.execPath, ['program.js'], { cwd: folder, encoding: 'utf8', timeout: 30_000 }),
    );
    expect(result.without).toEqual({ code: 'bad-input', message: expect.stringContaining('npm install sharp') });
    expect(result.grey).toEqual(result.same);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
