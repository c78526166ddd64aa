/**
 * From photos to a working page, as weights/README.md tells it, with a small made-up data set: three classes that a
 * network learns in seconds.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drop } from '../page/photos.ts';
import { CLASSES, example, writePictures } from './pictures.ts';
import { expect, test } from './python.ts';

/** Below the repository, as a user's model is: the page loads nothing from elsewhere. */
mkdirSync('.cache', { recursive: true });
const folder = mkdtempSync(join('.cache', 'own-model-'));
const photos = join(folder, 'photos');
const trained = join(folder, 'trained');
const model = join(folder, 'model');
const exact = join(folder, 'model-f32');

test.afterAll(() => rmSync(folder, { recursive: true }));

test('photos, train, convert, page', async ({ page, python }) => {
  writePictures(photos, 40);

  const small = ['width=48', 'depth=2', 'heads=3', 'batch=16', 'mix=0', 'operations=0', 'stages=[[32,5]]'];
  const training = ['--images', photos, '--recipe', 'cpu', '--out', trained, '--export-images', '--set'];
  const train = () => python.train(...training, ...small);
  const log = await train();
  expect(log).toContain('102 images to train on, 18 held back');
  const report = JSON.parse(readFileSync(join(trained, 'report.json'), 'utf8'));
  expect(report.history).toHaveLength(5);
  expect(report.heldBack.accuracy).toBeGreaterThan(0.5);
  // Run again, it finds that it has done everything.
  expect(await train()).toContain('goes on after epoch 5');

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
  expect(top1).toBeGreaterThan(0.7); // of 0.75
  expect(confusion).toHaveLength(3);
  expect(readFileSync(join(evaluated, 'confusion.svg'), 'utf8')).toContain('stripes');

  // What was held back, as the engine finds it, is what PyTorch found.
  command('convert', trained, '--out', exact);
  command('evaluate', '--model', exact, '--images', join(trained, 'held-back'), '--out', evaluated);
  const held = JSON.parse(readFileSync(join(evaluated, 'report.json'), 'utf8'));
  expect(held.images).toBe(18);
  expect(held.top1).toBeCloseTo(report.heldBack.accuracy, 6);
  expect(held.calibrationError).toBeCloseTo(report.heldBack.calibrationErrorScaled, 4);

  // From a photo to its scores: reading, weights, order of labels, temperature.
  const one = join(photos, 'disc', '0.bmp');
  const [{ labels }] = JSON.parse(command('classify', one, '--model', exact, '--top-k', '3', '--json')).images;
  const expected = (await python.run(
    folder,
    `
import preprocess
model, size, classes = preprocess.load(folder / 'trained' / 'checkpoint.pt')
photo = train.read_photo(folder / 'photos' / 'disc' / '0.bmp', size)
logits = train.logits_of(model, torch.tensor(photo)[None], size, torch.device('cpu'))[0]
scores = (logits / json.loads((folder / 'trained' / 'calibration.json').read_text())['temperature']).softmax(0)
result = dict(zip(classes, scores.tolist()))`,
  )) as Record<string, number>;
  for (const { label, score } of labels) expect(score, label).toBeCloseTo(expected[label], 5);

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
