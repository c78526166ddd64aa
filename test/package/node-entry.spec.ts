/**
 * `vit-webgpu/node`, as it is built: a program of its own each time, which has to end by itself.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@playwright/test';

const ENTRY = resolve('dist/node/index.js');
const GOLDEN = 'test/fixtures/vit-cifar10';

/** What a program prints as JSON; it has half a minute to end. */
function run(code: string, entry = ENTRY) {
  const program = `import { cachedModels, loadViT, ViTError } from ${JSON.stringify(entry)};
    import { readFileSync } from 'node:fs';
    ${code}`;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect({ status, signal }, stderr).toEqual({ status: 0, signal: null });
  return JSON.parse(stdout);
}

test("gives PyTorch's logits, from the image files, in a thread of its own, and ends by itself", () => {
  const { images } = JSON.parse(readFileSync(`${GOLDEN}/expected.json`, 'utf8'));
  const bytes = readFileSync(`${GOLDEN}/logits.f32`);
  const logits = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const files = images.slice(0, 12).map((name: string) => `${GOLDEN}/${name}`);
  const { info, rows, events } = run(`
    const events = [];
    const vit = await loadViT('weights/vit-cifar10', { onEvent: (event) => events.push(event) });
    const ranked = await vit.classify(${JSON.stringify(files)}, { topK: 10, activation: 'none' });
    const rows = ranked.map((row) => row.sort((a, b) => a.index - b.index).map(({ score }) => score));
    console.log(JSON.stringify({ info: vit.info, rows, events }));`);
  expect(info).toMatchObject({ backend: 'cpu', cpu: { simd: expect.stringMatching(/^(relaxed|plain)$/) } });
  expect(events).toEqual([]);
  for (const [i, row] of rows.entries())
    for (const [j, score] of row.entries()) expect(Math.abs(score - logits[i * 10 + j])).toBeLessThan(1e-4);
});

test('two threads give the bits of one, and keep no program alive', () => {
  const [one, two] = run(`
    const pixels = { data: Float32Array.from({ length: 3072 }, (_, i) => Math.sin(i)), shape: [1, 3, 32, 32] };
    const answers = [];
    for (const threads of [1, 2]) {
      const vit = await loadViT('weights/vit-cifar10', { threads });
      const { logits } = await vit.forward(pixels);
      answers.push({ threads: vit.info.cpu.threads, logits: [...logits.data] });
    }
    console.log(JSON.stringify(answers));`);
  expect([one.threads, two.threads]).toEqual([1, 2]);
  expect(two.logits).toEqual(one.logits);
});

test('takes pictures and models in every form, refuses the rest by name', () => {
  const result = run(`
    import { pathToFileURL } from 'node:url';
    const vit = await loadViT(new URL('weights/vit-cifar10/model.json', pathToFileURL('./')));
    const dog = 'public/samples/dog.jpg';
    const inputs = [dog, pathToFileURL(dog), new Blob([readFileSync(dog)]), new File([readFileSync(dog)], 'dog.jpg')];
    const scores = [];
    for (const input of inputs) scores.push((await vit.classify(input))[0]);
    const together = (await vit.classify(inputs)).map(([best]) => best);
    const { shape } = await vit.attend(dog);
    const head = await vit.learn({ dog: [dog], owl: ['public/samples/owl.jpg'] });
    const learned = (await vit.classify('public/samples/owl.jpg', { head }))[0].label;
    const refused = [];
    for (const bad of ['absent.jpg', 'package.json', new Blob([]), 5, readFileSync(dog)])
      refused.push(await vit.classify(bad).catch((error) => [error instanceof ViTError, error.code]));
    for (const bad of ['absent', 'package.json', 'http://127.0.0.1:9/model.json'])
      refused.push(await loadViT(bad).catch((error) => [error instanceof ViTError, error.code]));
    refused.push(await loadViT('weights/vit-cifar10', { decode: 1 }).catch((error) => [true, error.code]));
    const { passed } = await vit.selfTest();
    vit.dispose();
    const after = await vit.classify(dog).catch(({ code }) => code);
    console.log(JSON.stringify({ scores, together, shape, learned, refused, passed, after }));`);
  const { scores, together, shape, learned, refused, passed, after } = result;
  expect(scores[0]).toMatchObject({ label: 'dog' });
  for (const score of scores) expect(score).toEqual(scores[0]);
  for (const { label, score } of together) {
    expect(label).toBe('dog');
    expect(score).toBeCloseTo(scores[0].score, 5);
  }
  expect({ shape, learned, passed, after }).toEqual({ shape: [8, 8], learned: 'owl', passed: true, after: 'disposed' });
  const images = ['bad-image', 'bad-image', 'bad-image', 'bad-input', 'bad-input'];
  const codes = [...images, 'bad-input', 'bad-manifest', 'network', 'bad-input'];
  expect(refused).toEqual(codes.map((code) => [true, code]));
});

test('a thread that is ended by what it computes is an error, and no call hangs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-node-'));
  try {
    // The engine's file, missing: the thread cannot start.
    cpSync('dist/node', join(folder, 'dist/node'), { recursive: true });
    cpSync('package.json', join(folder, 'package.json'));
    const result = run(
      `console.log(JSON.stringify(await loadViT(${JSON.stringify(resolve('weights/vit-cifar10'))}).catch(({ code, message }) => ({ code, message }))));`,
      join(folder, 'dist/node/index.js'),
    );
    expect(result).toEqual({ code: 'network', message: expect.stringContaining('host.js') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
