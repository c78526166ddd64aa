/**
 * The command line as somebody gets it, installed without any package of its own; and what the library brings with it.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { HubServer, MADE_UP } from '../harness/hub-server.ts';
import { installPackage } from './install.ts';

let folder: string;

test.beforeAll(() => {
  folder = installPackage();
});
test.afterAll(() => rmSync(folder, { recursive: true }));

/** In the consumer's folder; the server that it may ask is in this process. */
const vitWebgpu = async (...args: string[]) =>
  (await promisify(execFile)(join('node_modules', '.bin', 'vit-webgpu'), args, { cwd: folder })).stdout;

const readModel = (name: string) => {
  const path = join(folder, name, 'model.json');
  return parseManifest(JSON.parse(readFileSync(path, 'utf8')), path);
};

test('a page that uses the library installs comlink with it, and nothing else', () => {
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  expect(installed).toEqual(['comlink', 'vit-webgpu']);
});

test('the licences of all code that is built in are there', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const notices = (build: string) => readFileSync(join(folder, 'node_modules/vit-webgpu/dist', build), 'utf8');
  const command = notices('cli/THIRD-PARTY.md');
  for (const name of ['@bufbuild/protobuf', 'commander', 'hyparquet', 'hyparquet-writer', 'aws4fetch']) {
    expect(devDependencies).toHaveProperty([name]);
    expect(command).toContain(`## ${name} - `);
  }
  expect(command).toContain('Permission is hereby granted, free of charge');
  for (const name of ['comlink', '@noble/hashes']) expect(notices('lib/THIRD-PARTY.md')).toContain(`## ${name} - `);
});

test('it says what it can do', async () => {
  const help = await vitWebgpu('--help');
  for (const command of ['convert', 'fetch', 'inspect', 'classify', 'embed', 'export-onnx'])
    expect(help).toContain(command);
});

test('convert, and inspect of what it wrote', async () => {
  const fixture = join(process.cwd(), 'test/fixtures/checkpoints/vit-training.pth');
  const told =
    '--architecture vit_tiny_patch4_8 --heads 2 --resize squash:8x8 --filter bilinear --mean .5,.5,.5 --std .5,.5,.5'.split(
      ' ',
    );
  await vitWebgpu('convert', fixture, '--out', 'converted', ...told);
  expect(readModel('converted').architecture).toMatchObject({ heads: 2, imageSize: [8, 8] });
  expect(await vitWebgpu('inspect', 'converted')).toContain('hash verified');
});

test('what is somebody else’s to install is asked for by name', async () => {
  const picture = join(process.cwd(), 'public/samples/dog.jpg');
  for (const [args, packages] of [
    [['embed', picture, '--out', 'out'], 'sharp'],
    [['submit', 'embed', picture, '--out', 'out', '--queue', 'redis://127.0.0.1:1'], 'bullmq ioredis'],
    [['work', '--queue', 'redis://127.0.0.1:1'], 'bullmq ioredis'],
  ] as const) {
    const { code, stderr } = await vitWebgpu(...args).then(
      () => ({ code: 0, stderr: '' }),
      (error) => error,
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining(`npm install ${packages}`)]);
    expect(stderr).not.toContain('    at ');
  }
});

test('fetch, from a server that speaks as the Hub', async () => {
  const hub = new HubServer({ ...MADE_UP });
  const endpoint = await hub.start();
  try {
    const said = await vitWebgpu('fetch', MADE_UP.repo, '--out', 'fetched', '--cache', 'cache', '--endpoint', endpoint);
    expect(said).toContain('model.safetensors: 6.1 kB, hash verified');
  } finally {
    hub.stop();
  }
  expect(readModel('fetched')).toMatchObject({
    labels: ['cat', 'dog', 'bird'],
    source: { revision: MADE_UP.commit, license: 'mit' },
  });
});
