/**
 * Words through the public calls, on the CPU: what is computed, what is kept, and what is refused. The numbers of the families
 * are compared with their libraries in `test/model/words.spec.ts`.
 */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { EngineHost } from '../../src/engine/host.ts';
import { loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { TINY, TINY_CLIP, tinyModel } from '../harness/tiny-model.ts';
import { lettersTokenizer, withWords } from '../harness/words.ts';

const open: ViT[] = [];
afterAll(() => {
  for (const vit of open) vit.dispose();
});

async function load(files: ModelFiles): Promise<ViT> {
  const vit = await loadViT(files, { backend: 'cpu', worker: false });
  open.push(vit);
  return vit;
}

const picture = (seed: number) => ({
  data: Uint8ClampedArray.from({ length: 16 * 16 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * seed * 37) % 256)),
  width: 16,
  height: 16,
});

const files = await withWords(await tinyModel(TINY_CLIP), lettersTokenizer());
const clip = await load(files);
const { data: _, ...sigmoidText } = { ...TINY_CLIP.text!, logitBias: -1.5, data: 0 };
const siglip = await load(await withWords(await tinyModel({ ...TINY_CLIP, text: sigmoidText }), lettersTokenizer()));

describe('embedText', () => {
  test('gives words the embedding of their ids, alone and among ids', async () => {
    const ids = [28, 0, 3, 14, 6, 29];
    const [words, numbers] = await clip.embedText(['a dog', ids]);
    expect(words).toEqual(numbers);
    expect(await clip.embedText('a dog')).toEqual(numbers);
    expect(await clip.embedText('')).toEqual(await clip.embedText([28, 29]));
  });

  test('refuses what is too long by name, and cuts it where that is asked for', async () => {
    await expect(clip.embedText(['a dog', 'giraffe'])).rejects.toThrow('The text "giraffe" has 9 tokens');
    expect(await clip.embedText('giraffe', { truncate: true })).toEqual(await clip.embedText('gira'));
  });

  test('refuses words where there is no tokenizer, or another file in its place', async () => {
    const bare = await load(await tinyModel(TINY_CLIP));
    await expect(bare.embedText('a dog')).rejects.toMatchObject({
      code: 'bad-input',
      message: /has no tokenizer: convert it again/,
    });
    expect(await bare.embedText([28, 29])).toHaveLength(10);
    const missing = await load({ ...files, tokenizer: undefined });
    await expect(missing.embedText('a dog')).rejects.toThrow('Give tokenizer.json as tokenizer');
    const large = structuredClone(files);
    large.manifest.words!.tokenizer.bytes = 2 ** 26 + 1;
    await expect((await load(large)).embedText('a dog')).rejects.toMatchObject({
      code: 'bad-manifest',
      message: /words\.tokenizer\.bytes is 67108865/,
    });
    const altered = await load({ ...files, tokenizer: files.tokenizer!.map((byte, i) => (i === 9 ? byte + 1 : byte)) });
    await expect(altered.embedText('a dog')).rejects.toMatchObject({
      code: 'bad-shard',
      message: /tokenizer\.json was altered/,
    });
    await expect((await load(await tinyModel(TINY))).embedText('a dog')).rejects.toThrow('has no text tower');
  });
});

describe('classify by candidates', () => {
  const cosines = async (vit: ViT, texts: string[]) => {
    const image = await vit.embed(picture(3));
    return Promise.all((await vit.embedText(texts)).map((text) => vit.similarity(image, text, { logits: true })));
  };

  test('is the softmax of the logits of a CLIP', async () => {
    const logits = await cosines(clip, ['a dog', 'a jet', 'a cat']);
    const sum = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const found = await clip.classify(picture(3), { candidates: ['dog', 'jet', 'cat'] });
    const byIndex = [...found].sort((a, b) => a.index - b.index);
    expect(byIndex.map(({ label }) => label)).toEqual(['dog', 'jet', 'cat']);
    for (const [i, { score }] of byIndex.entries()) expect(score).toBeCloseTo(Math.exp(logits[i]) / sum, 5);
    expect(found[0].score).toBeGreaterThan(found[2].score);
    const embedding = await clip.embed(picture(3));
    expect(await clip.classify(embedding, { candidates: ['dog', 'jet', 'cat'] }), 'also of an embedding').toEqual(
      found,
    );
  });

  test('is the sigmoid of each with the bias of a SigLIP, and the logits themselves where they are asked for', async () => {
    const [logit] = await cosines(siglip, ['a dog']);
    const [{ score }] = await siglip.classify(picture(3), { candidates: ['dog'] });
    expect(score).toBeCloseTo(1 / (1 + Math.exp(-logit)), 5);
    const [raw] = await siglip.classify(picture(3), { candidates: ['dog'], activation: 'none' });
    expect(raw.score).toBeCloseTo(logit, 4);
  });

  test('averages the prompts of a label by direction, as open_clip does', async () => {
    const [a, b] = await clip.embedText(['a dog', 'dog']);
    const mean = Array.from(a, (value, i) => value + b[i]);
    const logit = await clip.similarity(await clip.embed(picture(3)), mean, { logits: true });
    const candidates = [{ label: 'dog', prompts: ['a dog', 'dog'] }, 'jet'];
    const found = await clip.classify(picture(3), { candidates, activation: 'none' });
    expect(found.find(({ label }) => label === 'dog')!.score).toBeCloseTo(logit, 4);
  });

  test('takes the template that is given, and a label as it is', async () => {
    const logit = await clip.similarity(await clip.embed(picture(3)), await clip.embedText('b b'), { logits: true });
    const options = { candidates: ['b', '$&'], template: '{} {}', activation: 'none' } as const;
    const found = await clip.classify(picture(3), options);
    expect(found.find(({ label }) => label === 'b')!.score).toBeCloseTo(logit, 4);
    expect(found.map(({ label }) => label)).toContain('$&');
  });

  test('a second picture with the same words, in any order, runs no text; a new word runs alone', async () => {
    const vit = await load(files);
    const runs = vi.spyOn(EngineHost.prototype, 'runTexts');
    try {
      await vit.classify(picture(1), { candidates: ['dog', 'jet'] });
      expect(runs).toHaveBeenCalledTimes(1);
      await vit.classify([picture(2), picture(5)], { candidates: ['jet', 'dog'] });
      expect(runs).toHaveBeenCalledTimes(1);
      await vit.classify(picture(2), { candidates: ['jet', 'cat', 'dog'] });
      expect(runs.mock.calls.map(([texts]) => texts)).toEqual([['a dog', 'a jet'], ['a cat']]);
      await Promise.all([1, 2].map((seed) => vit.classify(picture(seed), { candidates: ['cow', 'dog'] })));
      expect(runs).toHaveBeenCalledTimes(3);
    } finally {
      runs.mockRestore();
    }
  });

  test('texts that fail are not kept, nor those that came with them', async () => {
    const failing = clip.classify(picture(1), { candidates: ['giraffe', 'pig'] });
    await expect(failing).rejects.toThrow('"a giraffe" has 10 tokens');
    expect(await clip.classify(picture(1), { candidates: ['gnu', 'pig'] })).toHaveLength(2);
  });

  test.each([
    ['no candidates', { candidates: [] }, 'There are no candidates'],
    ['a candidate twice', { candidates: ['dog', 'cat', 'dog'] }, '"dog" is there twice'],
    ['one that only space makes another', { candidates: ['dog', ' dog '] }, '" dog " is there twice'],
    ['an empty candidate', { candidates: ['dog', ' '] }, 'Candidate 1 must be a text'],
    ['a candidate that is a number', { candidates: ['dog', 3 as never] }, 'Candidate 1 must be a text'],
    [
      'a candidate without prompts',
      { candidates: ['dog', { label: 'x', prompts: [] }] },
      '"x" must have a list of texts',
    ],
    ['a template without {}', { candidates: ['dog', 'cat'], template: 'a photo' }, '"a photo" has no {}'],
    ['a template without candidates', { template: 'a {}' }, 'a template makes texts of candidates'],
    ['the softmax of one', { candidates: ['dog'] }, 'The softmax of one label is always 1'],
    ['candidates and a head', { candidates: ['dog', 'cat'], head: {} as never }, 'candidates or a head, not both'],
    ['a label to deny that is none', { candidates: ['dog', 'cat'], deny: ['cow'] }, 'no class "cow"'],
  ])('refuses %s', async (_, options, message) => {
    await expect(clip.classify(picture(1), options)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
    });
  });

  test('refuses a model that knows no words, naming what is missing', async () => {
    const candidates = ['dog', 'cat'];
    await expect((await load(await tinyModel(TINY))).classify(picture(1), { candidates })).rejects.toThrow(
      'has no text tower',
    );
    await expect((await load(await tinyModel(TINY_CLIP))).classify(picture(1), { candidates })).rejects.toThrow(
      'has no tokenizer',
    );
  });
});

describe('similarity', () => {
  test('is the cosine, whatever the lengths', async () => {
    expect(await clip.similarity([3, 0], [5, 5])).toBeCloseTo(Math.SQRT1_2, 6);
    expect(await clip.similarity(Float32Array.of(1, 2), [-2, -4])).toBeCloseTo(-1, 6);
  });

  test('refuses what cannot be compared', async () => {
    await expect(clip.similarity([1, 2], [1, 2, 3])).rejects.toThrow('2 features, and the other one 3');
    await expect(clip.similarity([], [])).rejects.toThrow('two embeddings');
    await expect(clip.similarity([1, Number.NaN], [1, 2])).rejects.toThrow('two embeddings');
    await expect(clip.similarity('ab' as never, [1, 2])).rejects.toThrow('two embeddings');
    const tiny = await load(await tinyModel(TINY));
    await expect(tiny.similarity([1], [1], { logits: true })).rejects.toThrow('no text tower, and so no logits');
  });
});
