/**
 * Models of two towers: with the text tower, without it, and pictures and texts side by side.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadViT } from '../../src/index.ts';
import { expectWithin } from '../harness/arrays.ts';
import {
  type Converted,
  convertInMemory,
  ENOUGH,
  FAMILIES,
  fixtureJson,
  openFixture,
  renameTensors,
} from '../harness/checkpoints.ts';

const config = fixtureJson('hf-clip/config.json');
const clip = await openFixture('hf-clip');

const load = ({ manifest, files }: Converted) =>
  loadViT({ manifest, shards: manifest.shards.map(({ file }) => files.get(file)!) }, { backend: 'cpu', worker: false });

describe('without its text tower', () => {
  test('a CLIP has the tensors of images alone, and gives the same embeddings', async () => {
    const found: string[] = [];
    const both = await convertInMemory(clip, { config });
    const alone = await convertInMemory(clip, {
      config,
      text: false,
      onFindings: (findings) => found.push(...findings.map(({ what, value, why }) => `${what}: ${value} (${why})`)),
    });
    expect(found).toContain('left out: the text tower (given)');
    const { text, ...architecture } = both.manifest.architecture;
    expect(text).toBeDefined();
    expect(alone.manifest.architecture).toEqual(architecture);
    expect([...alone.tensors]).toEqual([...both.tensors].filter(([name]) => !name.startsWith('text.')));
    const { seed, logits, embedding } = both.manifest.golden;
    expect(alone.manifest.golden).toEqual({ seed, logits, embedding });
  });

  test('it cannot embed texts, and says so', async () => {
    const vit = await load(await convertInMemory(clip, { config, text: false }));
    await expect(vit.embedText([1, 63])).rejects.toThrow('has no text tower');
    expect(await vit.selfTest()).toMatchObject({ passed: true });
    vit.dispose();
  });

  test('no answer is needed for it', async () => {
    const vision = { ...(config.vision_config as object), projection_dim: 24 };
    await expect(convertInMemory(clip, { config: vision })).rejects.toThrow('it can only be left out');
    const { manifest } = await convertInMemory(clip, { config: vision, text: false });
    expect(manifest.architecture).toMatchObject({ heads: 3, projection: 24, normalizeEmbedding: true });
  });

  test('a checkpoint of the image tower alone is converted as it is', async () => {
    const tower = renameTensors(clip, (name) => (/^(vision_model|visual_projection)\./.test(name) ? name : undefined));
    expect(tower.tensors.size).toBeLessThan(clip.tensors.size);
    const { manifest, tensors } = await convertInMemory(tower, {
      config: { ...(config.vision_config as object), projection_dim: 24 },
    });
    expect(manifest.architecture).toMatchObject({ projection: 24, normBeforeBlocks: true });
    // CLIPVisionModelWithProjection leaves embeddings as long as they are.
    expect(manifest.architecture).not.toHaveProperty('normalizeEmbedding');
    expect(manifest.architecture).not.toHaveProperty('text');
    expect([...tensors]).toEqual([...(await convertInMemory(clip, { config, text: false })).tensors]);
  });
});

/** The lines of docs/words.md that compare a picture with texts, as a function that returns their logits. */
function recipe(): (clip: object, photo: unknown, texts: unknown[]) => Promise<number[]> {
  const guide = readFileSync(new URL('../../docs/words.md', import.meta.url), 'utf8');
  const code = [...guide.matchAll(/```js\n([\s\S]*?)```/g)]
    .map(([, code]) => code)
    .find((code) => code.includes('embedText'))!;
  const words = "['a dog', 'a jet']";
  expect(code).toContain(words);
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  return AsyncFunction('clip', 'photo', 'texts_', `${code.replace(words, 'texts_')}; return logits;`) as never;
}

describe('the recipe of the guide', () => {
  test.each(['hf-clip', 'hf-siglip'])('gives the logits that transformers gives: %s', async (family) => {
    const { input, outputs } = fixtureJson(`${family}/expected.json`) as {
      input: { shape: number[] };
      outputs: Record<string, { file: string; shape: number[] }>;
    };
    const floats = (file: string) =>
      new Float32Array(new Uint8Array(readFileSync(new URL(`${family}/${file}`, FAMILIES))).buffer);
    const [height, width] = input.shape.slice(2);
    const options = {
      config: fixtureJson(`${family}/config.json`),
      heads: undefined,
      preprocess: { ...ENOUGH.preprocess, resize: { mode: 'squash' as const, height, width } },
    };
    const vit = await load(await convertInMemory(await openFixture(family), options));
    const { embedding } = await vit.forward(
      { data: floats('input.f32'), shape: input.shape },
      { outputs: ['embedding'] },
    );
    const [texts, length] = outputs.input_ids.shape;
    const ids = [...floats(outputs.input_ids.file)];
    const rows = Array.from({ length: texts }, (_, i) => ids.slice(i * length, (i + 1) * length));
    const features = embedding!.shape[1];
    const run = recipe();
    const expected = floats(outputs.logits_per_image.file);
    for (let image = 0; image < input.shape[0]; image++) {
      // The fixture's images are pixels; the rest is the library's own.
      const model = {
        info: vit.info,
        embed: async (photo: number) => embedding!.data.subarray(photo * features, (photo + 1) * features),
        embedText: (texts: number[][]) => vit.embedText(texts),
        similarity: vit.similarity.bind(vit),
      };
      const logits = await run(model, image, rows);
      expectWithin(logits, expected.subarray(image * texts, (image + 1) * texts), 1e-4);
    }
    vit.dispose();
  });
});
