/**
 * The text tower: padding, pooling, batches, and what is refused. Its numbers are compared with transformers in
 * families.spec.ts.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import type { Architecture } from '../../src/model/architecture.ts';
import type { TextArchitecture } from '../../src/model/text.ts';
import { expectClose } from '../harness/arrays.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { TINY, TINY_CLIP, TINY_TEXT, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

const open: ViT[] = [];
afterEach(() => {
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(architecture: Architecture, backend: 'webgpu' | 'cpu' = 'webgpu'): Promise<ViT> {
  const vit = await loadViT(await tinyModel(architecture), { backend, worker: false });
  open.push(vit);
  return vit;
}

describe('embedText', () => {
  for (const [title, text] of [
    ['end of text', TINY_TEXT],
    ['highest id', { ...TINY_TEXT, pooling: 'highest-id', endOfText: undefined }],
    ['the last token, seeing all others', { ...TINY_TEXT, pooling: 'last', endOfText: undefined, causal: false }],
    ['a bias of the projection', { ...TINY_TEXT, projectionBias: true }],
  ] as [string, TextArchitecture][]) {
    test(`${title}: the GPU gives what the CPU gives`, async () => {
      const architecture = { ...TINY_CLIP, text: JSON.parse(JSON.stringify(text)) };
      const texts = [[3, 29], [5, 6, 7, 8, 9, 29], [29], [4, 29, 2, 2]];
      const gpu = await (await load(architecture)).embedText(texts);
      const cpu = await (await load(architecture, 'cpu')).embedText(texts);
      for (const [i, embedding] of gpu.entries()) {
        expect(embedding).toHaveLength(10);
        expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
        expectClose(embedding, cpu[i], 1e-5);
      }
    });
  }

  test('a text gives the same alone and among others, beyond the largest batch', async () => {
    const vit = await load(TINY_CLIP);
    const texts = Array.from({ length: 40 }, (_, i) => [i % 29, (i * 7) % 29, 29]);
    const together = await vit.embedText(texts);
    for (const i of [0, 31, 32, 39]) expectClose(await vit.embedText(texts[i]), together[i], 0);
  });

  test('what follows the end of a text changes nothing, what comes before does', async () => {
    const vit = await load(TINY_CLIP);
    const [plain, padded, other] = await vit.embedText([
      [3, 4, 29],
      [3, 4, 29, 7, 8],
      [4, 3, 29],
    ]);
    expectClose(padded, plain, 0);
    expect(Math.max(...other.map((value, i) => Math.abs(value - plain[i])))).toBeGreaterThan(1e-3);
  });

  test('no texts are no embeddings', async () => {
    expect(await (await load(TINY_CLIP)).embedText([])).toEqual([]);
  });

  test('is refused for a model without a text tower, and for texts that it cannot take', async () => {
    await expect((await load(TINY)).embedText([1, 2])).rejects.toThrow('has no text tower');
    const vit = await load(TINY_CLIP);
    for (const [text, message] of [
      [[1, 2], 'lacks the token id 29'],
      [[1, 2, 3, 4, 5, 6, 29], '1 to 6 token ids, not a list of 7'],
      [[30, 29], 'has the token id 30; the model has 0 to 29'],
      [[1.5, 29], 'has the token id 1.5'],
      [[-1, 29], 'has the token id -1'],
    ] as [number[], string][]) {
      await expect(vit.embedText([[29], text])).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(`Text 1`),
      });
      await expect(vit.embedText(text)).rejects.toThrow(message);
    }
  });
});

describe('selfTest() of two towers', () => {
  test.each(['webgpu', 'cpu'] as const)('passes on %s', async (backend) => {
    const vit = await load(TINY_CLIP, backend);
    await vit.embedText([29]);
    const { passed, maxError, tolerance } = await vit.selfTest();
    expect(passed).toBe(true);
    expect(maxError).toBeLessThan(tolerance);
  });

  /** Images are right, texts are not. */
  async function withWrongText(): Promise<ModelFiles> {
    const files = await tinyModel(TINY_CLIP);
    files.manifest.golden.text!.embedding[3] += 0.01;
    return files;
  }

  test('reports a wrong text tower alone', async () => {
    const vit = await loadViT(await withWrongText(), { backend: 'cpu', worker: false });
    open.push(vit);
    expect(await vit.selfTest()).toMatchObject({ passed: true });
    await vit.embedText([29]);
    expect(await vit.selfTest()).toMatchObject({ passed: false, maxError: expect.closeTo(0.01, 6) });
  });

  test('runs before the first text of a GPU, and spares the pictures', async () => {
    const vit = await loadViT(await withWrongText(), { backend: 'webgpu', worker: false });
    open.push(vit);
    await expect(vit.embedText([29])).rejects.toMatchObject({ code: 'numeric' });
    const pixels = { data: new Float32Array(3 * 16 * 16), shape: [1, 3, 16, 16] };
    expect((await vit.forward(pixels, { outputs: ['embedding'] })).embedding!.shape).toEqual([1, 10]);
  });
});
