/**
 * From photos to a working page, as weights/README.md tells it, with a small made-up data set: three classes that a
 * network learns in seconds.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { drop } from '../page/photos.ts';

/** Below the repository, as a user's model is: the page loads nothing from elsewhere. */
mkdirSync('.cache', { recursive: true });
const folder = mkdtempSync(join('.cache', 'own-model-'));
const photos = join(folder, 'photos');
const trained = join(folder, 'trained');
const model = join(folder, 'model');

test.afterAll(() => rmSync(folder, { recursive: true }));

/** One that has PyTorch, NumPy and Pillow; test/run.js finds it. */
const PYTHON = process.env.PYTHON ?? 'python3';

type Colour = [number, number, number];

/** What each class shows, at a place of the picture from 0 to 1. */
const CLASSES: Record<string, (x: number, y: number) => boolean> = {
  disc: (x, y) => Math.hypot(x - 0.5, y - 0.5) < 0.35,
  halves: (x) => x < 0.5,
  stripes: (_, y) => Math.floor(y * 6) % 2 === 0,
};

/** A small generator of numbers from 0 to 1, the same ones every time. */
let state = 1;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** 24 bits per pixel, from below. */
function bitmap(width: number, height: number, colourAt: (x: number, y: number) => Colour): Buffer {
  const stride = Math.ceil((3 * width) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM');
  for (const [at, value] of [
    [2, file.length],
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
    [26, 1 | (24 << 16)],
  ]) {
    file.writeUInt32LE(value, at);
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colourAt(x / width, 1 - y / height);
      file.set([blue, green, red], 54 + y * stride + 3 * x);
    }
  }
  return file;
}

function example(name: string): Buffer {
  const light = [0, 0, 0].map(() => 150 + 100 * random()) as Colour;
  const dark = [0, 0, 0].map(() => 100 * random()) as Colour;
  // Not square: training and page squash it alike.
  return bitmap(48, 40, (x, y) => (CLASSES[name](x, y) ? light : dark));
}

test('photos, train, convert, page', async ({ page }) => {
  for (const name of Object.keys(CLASSES)) {
    mkdirSync(join(photos, name), { recursive: true });
    for (let i = 0; i < 40; i++) writeFileSync(join(photos, name, `${i}.bmp`), example(name));
  }

  const small = ['width=48', 'depth=2', 'heads=3', 'batch=16', 'mix=0', 'operations=0', 'stages=[[32,5]]'];
  const training = ['weights/training/train.py', '--images', photos, '--recipe', 'cpu', '--out', trained, '--set'];
  const log = execFileSync(PYTHON, [...training, ...small], { encoding: 'utf8' });
  expect(log).toContain('102 images to train on, 18 held back');
  const report = JSON.parse(readFileSync(join(trained, 'report.json'), 'utf8'));
  expect(report.history).toHaveLength(5);
  expect(report.heldBack.accuracy).toBeGreaterThan(0.9);
  // Run again, it finds that it has done everything.
  expect(execFileSync(PYTHON, [...training, ...small], { encoding: 'utf8' })).toContain('goes on after epoch 5');

  const command = (...args: string[]) =>
    execFileSync(process.execPath, ['dist/cli/vit-webgpu.js', ...args], { encoding: 'utf8' });
  command('convert', trained, '--out', model, '--dtype', 'f16');
  const manifest = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'));
  expect(manifest.labels).toEqual(Object.keys(CLASSES));
  expect(manifest.calibration.temperature).toBeGreaterThan(0);

  const evaluated = join(folder, 'evaluated');
  command('evaluate', '--model', model, '--images', photos, '--out', evaluated);
  const { top1, images, confusion } = JSON.parse(readFileSync(join(evaluated, 'report.json'), 'utf8'));
  expect(images).toBe(120);
  expect(top1).toBeGreaterThan(0.9);
  expect(confusion).toHaveLength(3);
  expect(readFileSync(join(evaluated, 'confusion.svg'), 'utf8')).toContain('stripes');

  const server = await serve();
  try {
    await page.goto(`${server.origin}/?model=${model}/model.json`);
    await expect(page.getByRole('region', { name: 'Model' })).toContainText('Ready');
    await expect(page.getByText('It knows three things: disc, halves, and stripes.')).toBeVisible();
    const photo = join(folder, 'photo.bmp');
    writeFileSync(photo, example('stripes'));
    await drop(page, [photo]);
    await expect(page.getByRole('list', { name: 'Best labels' }).getByRole('listitem').first()).toContainText(
      'stripes',
    );
  } finally {
    server.stop();
  }
});

/** `npx vite`, which is what shows the page while somebody works on it. */
async function serve(): Promise<{ origin: string; stop: () => void }> {
  const child = spawn(process.execPath, ['node_modules/vite/bin/vite.js', '--port', '0', '--host', '127.0.0.1'], {
    env: { ...process.env, NO_COLOR: '1' },
  });
  const origin = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found) resolve(found[0]);
    });
    child.once('exit', () => reject(new Error(`vite ended: ${said}`)));
  });
  return { origin, stop: () => child.kill() };
}
