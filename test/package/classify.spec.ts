/**
 * `vit-webgpu classify`, `evaluate` and `label-file`, as they are built, on a page of a real Chrome.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { parseLabelFile } from '../../src/text/label-file.ts';
import { TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';

const run = promisify(execFile);
const COMMAND = resolve('dist/cli/vit-webgpu.js');
const work = mkdtempSync(join(tmpdir(), 'vit-webgpu-classify-'));
test.afterAll(() => rmSync(work, { recursive: true }));

async function runCommand(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  try {
    return { exitCode: 0, ...(await run(process.execPath, [COMMAND, ...args])) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}

const classify = (...args: string[]) => runCommand('classify', ...args);
const fixture = (name: string) => resolve('test/fixtures/preprocess', name);

test.describe('classify', () => {
  test('prints five labels per picture, times, backend and adapter', async () => {
    const pictures = [fixture('photo.jpg'), fixture('scene0.png')];
    const { exitCode, stdout, stderr } = await classify(...pictures, '--backend', 'webgpu');
    expect([exitCode, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2 * 7 + 1);
    expect(lines[0]).toBe(`${fixture('photo.jpg')}: not sure`);
    for (const line of [...lines.slice(1, 6), ...lines.slice(8, 13)]) expect(line).toMatch(/^ +\d+\.\d\d % {2}[a-z]+$/);
    expect(lines[6]).toMatch(/^ {2}decode [\d.]+ ms, preprocess [\d.]+ ms, run [\d.]+ ms$/);
    expect(lines[14]).toMatch(/^vit-cifar10, loaded in [\d.]+ ms; webgpu on [a-z]/);
  });

  test('prints JSON, with as many labels as asked for, from the backend asked for', async () => {
    const args = ['--json', '--top-k', '10', '--backend', 'cpu', '--model', resolve('weights/vit-cifar10')];
    const { exitCode, stdout } = await classify(fixture('photo.jpg'), ...args);
    expect(exitCode).toBe(0);
    const { model, backend, adapter, load, images } = JSON.parse(stdout);
    expect({ model, backend, adapter }).toEqual({ model: 'vit-cifar10', backend: 'cpu', adapter: null });
    expect(load).toBeGreaterThan(0);
    expect(images[0].file).toBe(fixture('photo.jpg'));
    const scores = images[0].labels.map(({ score }: { score: number }) => score);
    expect(scores).toHaveLength(10);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 5);
    expect(images[0].timing.run).toBeGreaterThan(0);
  });

  test('names the pictures that are none or not there, without a stack, and classifies the others', async () => {
    const [text, absent] = ['text.png', 'absent.png'].map((name) => join(work, name));
    writeFileSync(text, 'no picture');
    const files = [text, fixture('photo.jpg'), absent, fixture('scene0.png')];
    const { exitCode, stdout, stderr } = await classify(...files);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${text}: `);
    expect(stderr).toContain(`There is no file ${absent}`);
    expect(stderr).toContain('error: 2 of 4 pictures could not be classified.');
    expect(stderr).not.toContain('    at ');
    for (const file of [files[1], files[3]]) expect(stdout).toContain(file);

    // As JSON; the pictures behind them have the best label that PyTorch gives.
    const golden = resolve('test/fixtures/vit-cifar10');
    const names: string[] = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8')).images.slice(0, 10);
    const { images } = JSON.parse(
      (await classify('--json', ...files, ...names.map((name) => join(golden, name)))).stdout,
    );
    const given = ['file', 'labels', 'sure', 'timing'];
    expect(images.slice(0, 4).map((image: object) => Object.keys(image))).toEqual([
      ['file', 'error'],
      given,
      ['file', 'error'],
      given,
    ]);
    const bytes = readFileSync(join(golden, 'logits.f32'));
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const best = images.slice(4).map(({ labels }: { labels: { index: number }[] }) => labels[0].index);
    const expected = names.map((_, i) => {
      const row = [...values.subarray(10 * i, 10 * i + 10)];
      return row.indexOf(Math.max(...row));
    });
    expect(best).toEqual(expected);
  });

  test('names a model that is not there before it starts anything', async () => {
    const model = await classify(fixture('scene0.png'), '--model', work);
    expect(model).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('holds no model.json') });
    expect((await classify()).exitCode).toBe(2);
  });
});

test.describe('evaluate', () => {
  const golden = resolve('test/fixtures/vit-cifar10');
  const truth: Record<string, string> = JSON.parse(readFileSync(join(golden, 'truth.json'), 'utf8'));

  /** A folder per class; `broken` are pictures of the first class that are none. */
  function sorted(name: string, pictures: string[], broken: string[]): string {
    const folder = join(work, name);
    for (const picture of pictures) cpSync(join(golden, picture), join(folder, truth[picture], picture));
    for (const file of broken) {
      mkdirSync(join(folder, 'truck'), { recursive: true });
      writeFileSync(join(folder, 'truck', file), 'no picture');
    }
    return folder;
  }

  test('names the pictures that cannot be read, and evaluates the others', async () => {
    // Two trucks and a dog.
    const pictures = Object.keys(truth).slice(0, 3);
    const folder = sorted('some', pictures, ['aaa.png', 'zzz.jpg']);
    const out = join(work, 'evaluated');
    const args = ['--images', folder, '--backend', 'cpu', '--batch', '3', '--out', out];
    const { exitCode, stderr, stdout } = await runCommand('evaluate', ...args);
    expect(exitCode).toBe(1);
    for (const file of ['aaa.png', 'zzz.jpg']) expect(stderr).toContain(`${join(folder, 'truck', file)}: `);
    expect(stderr).toContain('error: 2 of 5 pictures could not be read.');
    expect(stderr).not.toContain('    at ');
    expect(stdout).toContain('3 images in');
    const alone = join(work, 'evaluated-alone');
    await runCommand('evaluate', '--images', sorted('good', pictures, []), '--backend', 'cpu', '--out', alone);
    const figures = (folder: string) => {
      const { seconds, ...rest } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
      return rest;
    };
    expect(figures(out)).toEqual(figures(alone));
  });

  test('beside another model says what it loses: nothing against itself', async () => {
    const folder = sorted('beside', Object.keys(truth).slice(0, 3), []);
    const out = join(work, 'evaluated-beside');
    const model = resolve('weights/vit-cifar10');
    const args = ['--images', folder, '--backend', 'cpu', '--beside', model, '--out', out];
    const { exitCode, stderr, stdout } = await runCommand('evaluate', ...args);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^beside vit-cifar10: top-1 .* best labels agree 100\.00 %, logits differ by at most 0\.0000$/m,
    );
    const { beside, top1 } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
    expect(beside).toEqual({ model: 'vit-cifar10', images: 3, top1: [top1, top1], agreement: 1, largestDifference: 0 });
  });

  test('has nothing to say where no picture can be read', async () => {
    const { exitCode, stdout, stderr } = await runCommand('evaluate', '--images', sorted('none', [], ['a.png']));
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('error: 1 of 1 picture could not be read.');
  });
});

test.describe('label-file', () => {
  const folder = join(work, 'clip');
  const labelFile = (...args: string[]) =>
    runCommand('label-file', '--model', folder, '--out', join(folder, 'out.json'), ...args);

  test.beforeAll(async () => {
    const { manifest, shards, tokenizer } = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
    mkdirSync(folder);
    writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'tokenizer.json'), tokenizer!);
    for (const [i, { file }] of manifest.shards.entries()) writeFileSync(join(folder, file), shards[i]);
    writeFileSync(join(folder, 'labels.txt'), 'dog\ncat\n');
  });

  test('embeds every label in every template, and says what it wrote', async () => {
    writeFileSync(join(folder, 'templates.txt'), 'a {}\n{}\n');
    const args = [
      '--labels',
      join(folder, 'labels.txt'),
      '--templates',
      join(folder, 'templates.txt'),
      '--backend',
      'cpu',
    ];
    const { exitCode, stdout, stderr } = await labelFile(...args);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/out\.json: 2 labels in 2 templates, \d/);
    const { labels, width, embeddings } = parseLabelFile(
      JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')),
      'out',
    );
    expect([labels, width]).toEqual([['dog', 'cat'], 10]);
    const { loadViT } = await import(resolve('dist/node/index.js'));
    const vit = await loadViT(await withWords(await tinyModel(TINY_CLIP), lettersTokenizer()), { backend: 'cpu' });
    const [a, b]: Float32Array[] = await vit.embedText(['a dog', 'dog']);
    const sum = a.map((value, i) => value + b[i]);
    for (const [i, value] of embeddings[0].entries()) expect(value).toBeCloseTo(sum[i] / Math.hypot(...sum), 2.5);
    vit.dispose();
  });

  test('refuses what it cannot do, by name', async () => {
    const labels = ['--labels', join(folder, 'labels.txt')];
    writeFileSync(join(folder, 'bad.txt'), 'a photo\n');
    for (const [args, message] of [
      [[...labels, '--templates', join(folder, 'bad.txt')], 'the template "a photo" has no {}'],
      [[...labels, '--templates', 'openai', '--backend', 'cpu'], 'tokens; the model takes 6'],
      [['--labels', join(folder, 'none.txt')], 'There is no file'],
    ] as const) {
      const { exitCode, stderr } = await labelFile(...args);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
    }
    const none = await runCommand(
      'label-file',
      '--model',
      'weights/vit-cifar10',
      ...labels,
      '--out',
      join(folder, 'x.json'),
    );
    expect(none.stderr).toContain('vit-cifar10 has no text tower');
  });
});
