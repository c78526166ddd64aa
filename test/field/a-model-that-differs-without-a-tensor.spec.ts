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
  type Json,
  modelFolder,
  openField,
  outputOf,
  preprocessFor,
} from '../harness/field.ts';

const MODELS = Object.entries(fieldJson('architectures.json')) as [
  string,
  { config?: Json; tensors: Record<string, number[]> },
][];

/**
 * Compared as another model of the same arithmetic: here, or in families2.spec.ts, often with pictures of another size. Their
 * own outputs add nothing, or take a further input.
 */
const COMPARED_AS: Record<string, string> = {
  'hf-aimv2': 'hf-aimv2-head',
  'hf-aimv2-native': 'apple-aimv2-native-resampled',
  'hf-beit-masked': 'hf-beit-mask-token',
  'hf-data2vec-vision-shared': 'hf-data2vec-vision',
  'hf-dinov3': 'hf-dinov3-resampled',
  'hf-ijepa': 'hf-ijepa-resampled',
  'hf-ijepa-base-model': 'hf-ijepa-resampled',
  'hf-siglip2-naflex': 'hf-siglip2-naflex-text',
  'hf-vitmsn-base-model': 'hf-vitmsn',
  'timm-aimv2': 'timm-aimv2-resampled',
  'timm-aimv2-headless': 'timm-aimv2-resampled',
  'timm-dinov3': 'timm-dinov3-qkvb-token',
  'timm-dinov3-headless': 'timm-dinov3-qkvb-token',
  'timm-dinov3-swiglu': 'hf-dinov3-swiglu',
  'timm-eva02-base': 'timm-eva02-resampled',
  'timm-eva02-clip': 'open-clip-eva02',
  'timm-mobileclip-b': 'open-clip-mobileclip-b',
  'timm-naflex-gap': 'timm-naflex-gap-resampled',
  'timm-pe-core': 'timm-pe-core-resampled',
  'timm-pe-core-gigantic': 'timm-pe-core-resampled',
  'timm-pe-spatial': 'meta-pe-spatial',
  'timm-rmsnorm': 'timm-rmsnorm-qk-norm-swiglu',
  'timm-rope-axial': 'timm-rope-axial-resampled',
  'timm-rope-axial-ape': 'timm-rope-axial-resampled',
  'timm-rope-mixed': 'timm-rope-mixed-resampled',
  'timm-rope-mixed-ape': 'timm-rope-mixed-resampled',
  'timm-scale-norms': 'timm-beit3',
};

/** The libraries compute in f32, in another order: 1e-4 is the contract. */
const BOUND = 1e-4;

const OUTPUTS = { logits: 'logits', tokens: 'tokens', embedding: 'embedding', image_embeds: 'embedding' } as const;

const preprocess = preprocessFor(32, 32);

describe('with its config', () => {
  for (const [name, { config, tensors }] of MODELS) {
    if (!config) continue;
    test(name, async () => {
      const size = name.includes('mobileclip') ? 64 : 32;
      const options = { config, preprocess: preprocessFor(size, size) };
      const decision = await decisionOf(checkpointOfShapes(tensors), options);
      if (decision instanceof ViTError) {
        // By the name of what is not known, or of the tensors that are.
        expect(decision.code).toBe('unsupported-model');
        return;
      }
      expect(modelFolder(COMPARED_AS[name] ?? name), 'it is converted, and nobody compares it').toBeDefined();
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
      await decisionOf(checkpointOfShapes(tensors), { ...options, architecture: 'eva03_giant_patch14_224' }),
    ).toMatchObject({ code: 'unsupported-model', message: expect.stringContaining('eva03_giant_patch14_224') });
  });
});

interface Expected {
  input: { shape: [number, number, number, number] };
  outputs: Record<string, { file: string }>;
}

describe('what is converted gives the outputs of its library', () => {
  for (const [name] of MODELS) {
    const folder = modelFolder(name);
    // The others are compared on the GPU, with what they take besides.
    if (!folder?.startsWith('models/')) continue;
    test(name, async () => {
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
