/**
 * From words to logits: texts and pictures of models of two towers, compared with their libraries, on the GPU through the public
 * calls. The words are names of the token ids that the library was given.
 */
import { describe, expect, test } from 'vitest';
import { loadViT } from '../../src/index.ts';
import { expectClose } from '../harness/arrays.ts';
import { answersOf } from '../harness/families2.ts';
import { convert, fixture, readFloats, readJson } from '../harness/files.ts';
import { testGpu } from '../harness/gpu.ts';
import { flagsOf } from '../harness/hints.ts';
import { numbersTokenizer } from '../harness/words.ts';

/** Logits of models that compare directions, in f32 both of them. */
const BOUND = 1e-4;

const configs = { hf: 'config.json', open_clip: 'open_clip_config.json' };

describe.each([
  ['families/hf-clip', 'hf'],
  ['families/hf-siglip', 'hf'],
  ['families2/open-clip-siglip2', 'open_clip'],
] as const)('%s', async (name, layout) => {
  const folder = fixture(name);
  const expected = await readJson<never>(`${folder}/expected.json`);
  const config = await readJson(`${folder}/${configs[layout]}`);
  const { input, inputs, outputs } = expected as {
    input: { shape: number[] };
    inputs?: Record<string, { file: string; shape: number[] }>;
    outputs: Record<string, { file: string; shape: number[] }>;
  };
  const named = { ...inputs, ...outputs };
  const answers = name.startsWith('families2') ? answersOf(expected, config) : { ...flagsOf(expected), config };
  const read = async (output: string) => readFloats(`${folder}/${named[output].file}`);
  const [texts, tokens] = named.input_ids.shape;

  test('gives the library’s logits of every picture and every text', async () => {
    const ids = await read('input_ids');
    const words = Array.from({ length: texts }, (_, i) =>
      [...ids.slice(i * tokens, (i + 1) * tokens)].map((id) => `w${id}`).join(' '),
    );
    const tokenizer = new TextEncoder().encode(JSON.stringify(numbersTokenizer(Math.max(...ids) + 1)));
    const files = await convert(`${folder}/model.safetensors`, { name, ...answers, tokenizer });
    const { device } = await testGpu();
    const vit = await loadViT({ ...files, tokenizer }, { backend: 'webgpu', worker: false, device });
    const { embedding } = await vit.forward(
      { data: await readFloats(`${folder}/input.f32`), shape: input.shape },
      { outputs: ['embedding'] },
    );
    const [pictures, width] = embedding!.shape;
    const found: number[] = [];
    const textRows = await vit.embedText(words);
    for (let i = 0; i < pictures; i++) {
      const picture = embedding!.data.subarray(i * width, (i + 1) * width);
      for (const text of textRows) found.push(await vit.similarity(picture, text, { logits: true }));
    }
    expectClose(found, [...(await read('logits_per_image'))], BOUND);
    // As scores: of one list of words, a softmax or the sigmoid of each.
    const candidates = words.map((prompt, i) => ({ label: `text ${i}`, prompts: [prompt] }));
    const picture = { data: new Uint8ClampedArray(32 * 32 * 4).fill(200), width: 32, height: 32 };
    const image = await vit.embed(picture);
    const logits = await Promise.all(textRows.map((text) => vit.similarity(image, text, { logits: true })));
    const scores = await vit.classify(picture, { candidates });
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    for (const { index, score } of scores) {
      const logit = logits[index];
      expect(score).toBeCloseTo(name.includes('siglip') ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / total, 5);
    }
    vit.dispose();
  });
});
