/**
 * Pictures that keep their shape: SigLIP 2 NaFlex, through the public calls, against transformers' own numbers.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { normalize, normalizeTable } from '../../src/image/normalize-bytes.ts';
import { loadViT } from '../../src/index.ts';
import { expectWithin } from '../harness/arrays.ts';
import { convert, fixture, readFloats, readJson } from '../harness/files.ts';
import { testGpu } from '../harness/gpu.ts';
import { once } from '../harness/once.ts';
import { randomBytes } from '../harness/random-pixels.ts';
import { numbersTokenizer } from '../harness/words.ts';

interface Fixture {
  input: { shape: number[] };
  inputs: Record<string, { shape: number[] }>;
}

/** The contract; the library computes in f32, too, in another order. */
const BOUND = 1e-4;

/** Patches of 8 pixels, of which these models take so many: none of the shapes is that of the model's own positions. */
const MODELS = { 'hf-siglip2-naflex-resampled': 45, 'hf-siglip2-naflex-text': 16 };

describe.each(['webgpu', 'cpu'] as const)('on %s', (backend) => {
  const models = Object.entries(MODELS).map(([name, max_num_patches]) => {
    const folder = fixture(`families2/${name}`);
    const model = once(async () => {
      const expected = await readJson<Fixture>(`${folder}/expected.json`);
      const config = await readJson(`${folder}/config.json`);
      const preprocessor = { image_processor_type: 'Siglip2ImageProcessor', patch_size: 8, max_num_patches };
      const tokenizer = new TextEncoder().encode(JSON.stringify(numbersTokenizer(64)));
      const isText = name.endsWith('text');
      const answers = { name, config, preprocessor, ...(isText && { tokenizer }) };
      const files = await convert(`${folder}/model.safetensors`, answers);
      const { device } = await testGpu();
      const how = { backend, worker: false, ...(backend === 'webgpu' ? { device } : { threads: 2 }) } as const;
      const vit = await loadViT({ ...files, ...(isText && { tokenizer }) }, how);
      const { embedding } = await vit.forward(
        { data: await readFloats(`${folder}/input.f32`), shape: expected.input.shape },
        { outputs: ['embedding'] },
      );
      return { vit, expected, embedding: embedding! };
    });
    return { folder, model };
  });
  const [wide, withTexts] = models;
  afterAll(async () => {
    for (const { model } of models) if (model.begun) (await model()).vit.dispose();
  });

  test("pixels of 5 x 9 patches have the library's embedding", async () => {
    const { embedding } = await wide.model();
    expectWithin(embedding.data, await readFloats(`${wide.folder}/embedding.f32`), BOUND);
  });

  test('each picture has a shape of its own, by itself and in a list', async () => {
    const { vit } = await wide.model();
    const { preprocess } = vit.info;
    expect(preprocess.resize).toEqual({ mode: 'patches', size: 8, most: 45 });
    const pictures = [
      [90, 50],
      [50, 90],
      [33, 31],
      [91, 51],
    ].map(([width, height]) => ({ width, height, data: randomBytes(3 * width * height, width) }));
    const together = await vit.embed(pictures);
    const table = normalizeTable(preprocess, 3);
    const shapes = [];
    for (const [i, picture] of pictures.entries()) {
      const { data, width, height } = await vit.preprocess(picture);
      shapes.push([width / 8, height / 8]);
      expect(vit.geometry(picture).output).toEqual({ width, height });
      const pixels = { data: normalize(data, table, 3), shape: [1, 3, height, width] };
      const { embedding } = await vit.forward(pixels, { outputs: ['embedding'] });
      expect(await vit.embed(picture)).toEqual(embedding!.data);
      expectWithin(together[i], embedding!.data, 1e-6);
    }
    expect(shapes).toEqual([
      [9, 5],
      [5, 9],
      [7, 6],
      [9, 5],
    ]);
  });

  test("words have the library's logits of pictures, through classify", async () => {
    const { vit, expected, embedding } = await withTexts.model();
    const [texts, tokens] = expected.inputs.input_ids.shape;
    const ids = [...(await readFloats(`${withTexts.folder}/input_ids.f32`))];
    const candidates = Array.from({ length: texts }, (_, i) => ({
      label: `text ${i}`,
      prompts: [
        ids
          .slice(i * tokens, (i + 1) * tokens)
          .map((id) => `w${id}`)
          .join(' '),
      ],
    }));
    const [pictures, width] = embedding.shape;
    const found: number[] = [];
    for (let i = 0; i < pictures; i++) {
      const picture = embedding.data.slice(i * width, (i + 1) * width);
      const scores = await vit.classify(picture, { candidates, activation: 'none', topK: texts });
      for (const { index, score } of scores) found[i * texts + index] = score;
    }
    expectWithin(found, await readFloats(`${withTexts.folder}/logits_per_image.f32`), BOUND);
    // And of a picture: as of what it is embedded as.
    const photo = { width: 40, height: 24, data: randomBytes(3 * 40 * 24, 1) };
    const options = { candidates, topK: texts };
    expect(await vit.classify(photo, options)).toEqual(await vit.classify(await vit.embed(photo), options));
  });

  test('more patches than the model takes, and parts of one, are refused', async () => {
    const { vit } = await wide.model();
    for (const size of [
      [48, 72],
      [40, 68],
    ]) {
      const pixels = { data: new Float32Array(3 * size[0] * size[1]), shape: [1, 3, ...size] };
      await expect(vit.forward(pixels)).rejects.toThrow(`in at most 45 patches of [8,8]`);
    }
  });
});

test('with an imageSize all pictures are squashed to it', async () => {
  const folder = fixture('families2/hf-siglip2-naflex-resampled');
  const config = await readJson(`${folder}/config.json`);
  const preprocessor = { image_processor_type: 'Siglip2ImageProcessor', patch_size: 8 };
  const files = await convert(`${folder}/model.safetensors`, { name: 'naflex', config, preprocessor });
  const vit = await loadViT(files, { backend: 'cpu', worker: false, imageSize: [40, 72] });
  expect(vit.info.preprocess.resize).toEqual({ mode: 'squash', height: 40, width: 72 });
  const shape = [2, 3, 40, 72];
  const { embedding } = await vit.forward(
    { data: await readFloats(`${folder}/input.f32`), shape },
    { outputs: ['embedding'] },
  );
  expectWithin(embedding!.data, await readFloats(`${folder}/embedding.f32`), BOUND);
  vit.dispose();
});
