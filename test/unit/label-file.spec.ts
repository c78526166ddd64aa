/**
 * Label files: words embedded once, which tell pictures apart without a text tower and without a tokenizer.
 */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { labelFileOf } from '../../src/cli/label-file.ts';
import { EngineHost } from '../../src/engine/host.ts';
import { type LoadOptions, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { encodeEmbeddings, parseLabelFile } from '../../src/text/label-file.ts';
import { promptsFor } from '../../src/text/prompts.ts';
import { TEMPLATES } from '../../src/text/templates.ts';
import { TINY, TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';

const open: ViT[] = [];
afterAll(() => {
  for (const vit of open) vit.dispose();
});

async function load(files: ModelFiles, options: LoadOptions = {}): Promise<ViT> {
  const vit = await loadViT(files, { backend: 'cpu', worker: false, ...options });
  open.push(vit);
  return vit;
}

const picture = {
  data: Uint8ClampedArray.from({ length: 16 * 16 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256)),
  width: 16,
  height: 16,
};
const LABELS = ['dog', 'jet', 'cat', 'owl'];

/** The label file of a model, and the scores of its own text tower. */
async function labelled(logitBias?: number) {
  const text = { ...TINY_CLIP.text!, logitScale: Math.log(100), ...(logitBias !== undefined && { logitBias }) };
  const files = await withWords(await tinyModel({ ...TINY_CLIP, text }), lettersTokenizer());
  const vit = await load(files);
  const prompted = promptsFor(LABELS, 'a {}');
  const rows = await vit.embedText(prompted.flatMap(({ prompts }) => prompts));
  // As it comes back from a file.
  const file = JSON.parse(JSON.stringify(await labelFileOf(files.manifest, prompted, rows)));
  return { file, files, scores: await vit.classify(picture, { candidates: LABELS }) };
}

/** The same pictures' side, converted without the text tower. */
async function withoutTexts(): Promise<ModelFiles> {
  const { text: _, ...images } = TINY_CLIP;
  return tinyModel(images);
}

const clip = await labelled();

describe('a model with a label file', () => {
  test.each([
    ['softmax', undefined],
    ['sigmoid', -8],
  ])("gives the text tower's scores within 2e-3, by a %s, without a text tower", async (_, logitBias) => {
    const { file, scores } = await labelled(logitBias);
    const runs = vi.spyOn(EngineHost.prototype, 'runTexts');
    const vit = await load(await withoutTexts(), { labels: file });
    const found = await vit.classify(picture);
    expect(found.map(({ label }) => label)).toEqual(scores.map(({ label }) => label));
    for (const [i, { score }] of found.entries()) expect(Math.abs(score - scores[i].score)).toBeLessThan(2e-3);
    expect(runs).not.toHaveBeenCalled();
    runs.mockRestore();
    expect(vit.info.words).toBeNull();
  });

  test('classifies by candidates where they are given', async () => {
    const vit = await load(clip.files, { labels: clip.file });
    expect(await vit.classify(picture, { candidates: LABELS })).toEqual(clip.scores);
    const [best] = await vit.classify(picture, { topK: 1, deny: [clip.scores[0].label] });
    expect(best.label).toBe(clip.scores[1].label);
  });

  test('takes the file from its address', async () => {
    vi.stubGlobal('fetch', async (url: URL) =>
      url.pathname === '/labels.json' ? new Response(JSON.stringify(clip.file)) : new Response(null, { status: 404 }),
    );
    try {
      const vit = await load(await withoutTexts(), { labels: 'https://models.example/labels.json' });
      expect((await vit.classify(picture))[0].label).toBe(clip.scores[0].label);
      await expect(load(await withoutTexts(), { labels: 'https://models.example/none.json' })).rejects.toMatchObject({
        code: 'network',
        message: expect.stringContaining('none.json cannot be had: the server answered 404'),
      });
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test.each([
    ['no label file', { format: 'x' }, 'bad-manifest', 'is no label file'],
    ['of another version', { version: 2 }, 'bad-manifest', 'another version of label files'],
    ['without labels', { labels: [] }, 'bad-manifest', 'labels is empty'],
    ['with a label twice', { labels: ['a', 'b', 'a', 'c'] }, 'bad-manifest', 'has a label twice'],
    ['with a label too many', { labels: [...LABELS, 'cow'] }, 'bad-manifest', 'embeddings is not of 5 x 10 numbers'],
    ['that is no base64', { embeddings: '!'.repeat(108) }, 'bad-manifest', 'is no base64'],
    ['with NaN', { embeddings: btoa('\xff'.repeat(80)) }, 'bad-manifest', 'NaN or infinity'],
    ['without a scale', { logitScale: null }, 'bad-manifest', 'logitScale must be a number'],
    ['of another model', { model: { name: 'other' } }, 'bad-input', 'is of the model other, and this is tiny'],
  ])('refuses one %s', async (_, change, code, message) => {
    const loading = load(await withoutTexts(), { labels: { ...clip.file, ...change } });
    await expect(loading).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('refuses one of another width, and one of another checkpoint under the same name', async () => {
    const wide = load(await tinyModel(TINY), { labels: clip.file });
    await expect(wide).rejects.toThrow('is of embeddings with 10 features; tiny gives 24');
    const files = await withoutTexts();
    files.manifest.source = { sha256: 'a'.repeat(64) };
    const labels = { ...clip.file, model: { name: 'tiny', sha256: 'b'.repeat(64) } };
    await expect(load(files, { labels })).rejects.toMatchObject({ code: 'bad-input' });
    const renamed = { ...clip.file, model: { name: 'clip-f16', sha256: 'a'.repeat(64) } };
    expect(await (await load(files, { labels: renamed })).classify(picture)).toHaveLength(4);
  });
});

test('embeddings are kept in f16, of unit length', () => {
  const { embeddings } = parseLabelFile(clip.file, 'labels.json');
  for (const row of embeddings) expect(Math.hypot(...row)).toBeCloseTo(1, 3);
  const embedded = encodeEmbeddings([Float32Array.of(3, 4), Float32Array.of(0, -2)]);
  const small = { ...clip.file, labels: ['a', 'b'], width: 2, embeddings: embedded };
  const [a, b] = parseLabelFile(small, 'labels.json').embeddings;
  for (const [i, value] of [0.6, 0.8, 0, -1].entries()) expect([...a, ...b][i]).toBeCloseTo(value, 3);
  expect(clip.file.embeddings.length).toBe(Math.ceil((4 * 10 * 2) / 3) * 4);
});

test("open_clip's templates are eighty and seven, each once and with a place for the label", () => {
  expect([TEMPLATES.openai.length, TEMPLATES.simple.length]).toEqual([80, 7]);
  for (const set of Object.values(TEMPLATES)) {
    expect(new Set(set).size).toBe(set.length);
    for (const template of set) expect(template).toContain('{}');
  }
});
