/**
 * The text tower: padding, pooling, batches, and what is refused. Its numbers are held against transformers in
 * families.spec.ts.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import type { Architecture } from '../../src/model/architecture.ts';
import type { TextArchitecture } from '../../src/model/text.ts';
import { expectClose } from '../harness/arrays.ts';
import { TINY, tinyModel } from '../harness/tiny-model.ts';

const TEXT: TextArchitecture = {
  vocabulary: 30,
  tokens: 6,
  width: 18,
  depth: 2,
  heads: 2,
  mlpWidth: 20,
  activation: 'quick_gelu',
  epsilon: 1e-5,
  causal: true,
  pooling: 'end-of-text',
  endOfText: 29,
  padding: 1,
  logitScale: 2,
};

const CLIP: Architecture = { ...TINY, classes: 0, projection: 10, normalizeEmbedding: true, text: TEXT };

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
    ['end of text', TEXT],
    ['highest id', { ...TEXT, pooling: 'highest-id', endOfText: undefined }],
    ['the last token, seeing all others', { ...TEXT, pooling: 'last', endOfText: undefined, causal: false }],
    ['a bias of the projection', { ...TEXT, projectionBias: true }],
  ] as [string, TextArchitecture][]) {
    test(`${title}: the GPU gives what the CPU gives`, async () => {
      const architecture = { ...CLIP, text: JSON.parse(JSON.stringify(text)) };
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
    const vit = await load(CLIP);
    const texts = Array.from({ length: 40 }, (_, i) => [i % 29, (i * 7) % 29, 29]);
    const together = await vit.embedText(texts);
    for (const i of [0, 31, 32, 39]) expectClose(await vit.embedText(texts[i]), together[i], 0);
  });

  test('what follows the end of a text changes nothing, what comes before does', async () => {
    const vit = await load(CLIP);
    const [plain, padded, other] = await vit.embedText([
      [3, 4, 29],
      [3, 4, 29, 7, 8],
      [4, 3, 29],
    ]);
    expectClose(padded, plain, 0);
    expect(Math.max(...other.map((value, i) => Math.abs(value - plain[i])))).toBeGreaterThan(1e-3);
  });

  test('no texts are no embeddings', async () => {
    expect(await (await load(CLIP)).embedText([])).toEqual([]);
  });

  test('is refused for a model without a text tower, and for texts that it cannot take', async () => {
    await expect((await load(TINY)).embedText([1, 2])).rejects.toThrow('has no text tower');
    const vit = await load(CLIP);
    for (const [text, message] of [
      [[1, 2], 'lacks the token id 29'],
      [[1, 2, 3, 4, 5, 6, 29], '1 to 6 token ids, not one of 7'],
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
