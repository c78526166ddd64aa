/**
 * Rotary positions, a wrapper class that pools otherwise, norms in another place: what has no tensor cannot be missed in
 * one. 77 models of timm, transformers, Meta, Apple, open_clip and vit-pytorch, by the names and shapes of their tensors and
 * their configs: each is refused, or its outputs are those of its own library.
 */
import { describe, expect, test } from 'vitest';
import { ViTError } from '../../src/error.ts';
import { expectWithin } from '../harness/arrays.ts';
import { convertInMemory } from '../harness/checkpoints.ts';
import {
  checkpointOfShapes,
  decisionOf,
  fieldFloats,
  fieldJson,
  hasField,
  type Json,
  openField,
  outputOf,
  preprocessFor,
} from '../harness/field.ts';

const MODELS = Object.entries(fieldJson('architectures.json')) as [
  string,
  { config?: Json; tensors: Record<string, number[]> },
][];

/** Their plan is that of another model here, whose outputs are compared; their own take a further input, or add nothing. */
const SAME_PLAN: Record<string, string> = {
  'hf-beit-masked': 'hf-beit-mask-token',
  'hf-data2vec-vision-shared': 'hf-data2vec-vision',
  'hf-vitmsn-base-model': 'hf-vitmsn',
};

/** The libraries compute in f32, in another order: 1e-4 is the contract. */
const BOUND = 1e-4;

const OUTPUTS = { logits: 'logits', tokens: 'tokens', embedding: 'embedding', image_embeds: 'embedding' } as const;

const preprocess = preprocessFor(32, 32);

describe('with its config', () => {
  for (const [name, { config, tensors }] of MODELS) {
    if (!config) continue;
    test(name, async () => {
      const decision = await decisionOf(checkpointOfShapes(tensors), { config, preprocess });
      if (decision instanceof ViTError) {
        // By the name of what is not known, or of the tensors that are.
        expect(decision.code).toBe('unsupported-model');
        return;
      }
      const folder = `models/${SAME_PLAN[name] ?? name}`;
      expect(hasField(`${folder}/expected.json`), 'it is converted, and nobody compares it').toBe(true);
    });
  }
});

/** Of those that would be taken for something else. */
describe('without its config, it is asked for', () => {
  for (const name of [
    'timm-eva02-tiny',
    'timm-eva02-enormous-clip',
    'timm-eva-giant',
    'timm-rope-axial-ape',
    'timm-pe-core-gigantic',
  ]) {
    test(name, async () => {
      const { tensors } = MODELS.find(([other]) => other === name)![1];
      const decision = await decisionOf(checkpointOfShapes(tensors), { preprocess, heads: 3 });
      expect(decision).toBeInstanceOf(ViTError);
      expect((decision as ViTError).questions!.map(({ name }) => name)).toContain('architecture');
    });
  }

  test('or the name of the model', async () => {
    const { tensors } = MODELS.find(([name]) => name === 'timm-eva-giant')![1];
    const options = { preprocess, heads: 3, epsilon: 1e-6 };
    expect(
      await decisionOf(checkpointOfShapes(tensors), { ...options, architecture: 'eva_giant_patch14_224' }),
    ).toMatchObject({ pooling: 'patches', finalNorm: 'pooled' });
    expect(
      await decisionOf(checkpointOfShapes(tensors), { ...options, architecture: 'eva02_tiny_patch14_224' }),
    ).toMatchObject({ code: 'unsupported-model', message: expect.stringContaining('eva02_tiny_patch14_224') });
  });
});

interface Expected {
  input: { shape: [number, number, number, number] };
  outputs: Record<string, { file: string }>;
}

describe('what is converted gives the outputs of its library', () => {
  for (const [name] of MODELS) {
    if (!hasField(`models/${name}/expected.json`)) continue;
    test(name, async () => {
      const folder = `models/${name}`;
      const { input, outputs } = fieldJson(`${folder}/expected.json`) as unknown as Expected;
      const config = fieldJson(`${folder}/config.json`);
      const converted = await convertInMemory(await openField(`${folder}/model.safetensors`), {
        config,
        preprocess,
        heads: undefined,
      });
      const pixels = fieldFloats(`${folder}/input.f32`);
      const files = Object.entries(OUTPUTS).filter(([file]) => file in outputs);
      expect(files).not.toEqual([]);
      for (const [file, output] of files) {
        const computed = outputOf(converted, output, pixels, input.shape[0]);
        expectWithin(computed, fieldFloats(`${folder}/${outputs[file].file}`), BOUND);
      }
    });
  }
});
