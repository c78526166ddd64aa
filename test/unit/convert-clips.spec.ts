/**
 * CLIPs and their kin by other authors, whose architecture one of the goldens has: under the names and configs that they are published
 * with they become the same files.
 */
import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { readConfig } from '../../src/convert/configs/read-config.ts';
import {
  addTensors,
  convertInMemory,
  ENOUGH,
  familyFixture,
  fixtureJson,
  openFixture,
  renameTensors,
} from '../harness/checkpoints.ts';
import { openBytes, zipFile } from '../harness/formats.ts';
import { checkpointOf, openAiNames, tensorsOf } from '../harness/layouts.ts';

const TRANSFORM = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bicubic', resize_mode: 'squash' };

/** One checkpoint of the tensors of several. */
function together(...parts: Checkpoint[]): Checkpoint {
  const owner = new Map(parts.flatMap((part) => [...part.tensors.keys()].map((name) => [name, part])));
  return {
    format: parts[0].format,
    tensors: new Map(parts.flatMap((part) => [...part.tensors])),
    read: (name) => owner.get(name)!.read(name),
  };
}

test('MetaCLIP 1 and DFN, as open_clip has them: OpenAI’s towers with its quick_gelu', async () => {
  const config = fixtureJson('hf-clip/config.json');
  const original = await convertInMemory(await openFixture('hf-clip'), { config });
  const { architecture } = original.manifest;
  const { text } = architecture;
  const names = openAiNames(tensorsOf(original.manifest.tensors, original.tensors), { logit_scale: text!.logitScale });
  for (const mark of ['input_resolution', 'context_length', 'vocab_size']) names.delete(mark);
  const model_cfg = {
    embed_dim: architecture.projection,
    quick_gelu: true,
    vision_cfg: { image_size: 32, layers: 2, width: 48, patch_size: architecture.patchSize[0], head_width: 16 },
    text_cfg: { context_length: 16, vocab_size: 64, width: 48, heads: 3, layers: 2 },
  };
  const converted = await convertInMemory(checkpointOf(names), {
    heads: undefined,
    preprocess: undefined,
    config: { model_cfg, preprocess_cfg: TRANSFORM },
  });
  const { text: theirs, ...image } = converted.manifest.architecture;
  // open_clip normalises all tokens, transformers the one that is pooled.
  const { text: _, finalNorm: pooled, ...expected } = architecture;
  expect(pooled).toBe('pooled');
  expect(image).toEqual(expected);
  const { endOfText, ...plain } = text!;
  expect(theirs).toEqual({ ...plain, pooling: 'highest-id', padding: 0, logitScale: expect.closeTo(plain.logitScale) });
  const renamed = [...original.tensors].map(([name, data]) => [name.replace(/^fc_norm/, 'norm'), data] as const);
  expect(converted.tensors).toEqual(new Map(renamed));
});

describe('MobileCLIP2-L/14', async () => {
  const texts = await familyFixture('open-clip-pe-core');
  const config = texts.options.config as { model_cfg: Record<string, object> };
  const timm = await openFixture('timm-clip-quickgelu');
  const [features] = timm.tensors.get('head.weight')!.shape;
  const isText = (name: string) => !name.startsWith('visual.') && name !== 'text.text_projection';
  const checkpoint = together(
    renameTensors(timm, (name) => `visual.trunk.${name}`),
    addTensors(
      renameTensors(await openBytes(texts.bytes), (name) => (isText(name) ? name : undefined)),
      {
        'text.text_projection': [48, features],
      },
    ),
  );
  const { vision_cfg, text_cfg, ...rest } = config.model_cfg;
  const towers = (name: string) => ({
    ...config,
    model_cfg: {
      ...rest,
      embed_dim: features,
      vision_cfg: { ...vision_cfg, timm_pool: 'token', timm_model_name: name },
      text_cfg: { ...text_cfg, no_causal_mask: true },
    },
  });

  test('has timm’s CLIP with its own activation, beside texts that see all words', async () => {
    const converted = await convertInMemory(checkpoint, {
      heads: 3,
      preprocess: undefined,
      config: towers('vit_large_patch14_clip_224'),
    });
    expect(converted.manifest.architecture).toMatchObject({
      activation: 'gelu',
      normBeforeBlocks: true,
      text: { causal: false, pooling: 'highest-id', activation: 'gelu' },
    });
    const quick = await convertInMemory(checkpoint, {
      heads: 3,
      preprocess: undefined,
      config: towers('vit_large_patch14_clip_quickgelu_224'),
    });
    expect(quick.manifest.architecture.activation).toBe('quick_gelu');
  });
});

describe('TIPS', () => {
  /** As NumPy writes it. */
  const array = (shape: readonly number[], data: Float32Array) => {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
    const header = `${text.padEnd(117 + Math.ceil(Math.max(0, text.length - 117) / 64) * 64)}\n`;
    const bytes = new Uint8Array(10 + header.length + data.byteLength);
    bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
    bytes.set(new TextEncoder().encode(header), 10);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
    return bytes;
  };

  test('has a DINOv2’s names in an npz, with a second class token for a register', async () => {
    const dinov2 = renameTensors(await openFixture('dinov2-registers-classifier'), (name) =>
      name.startsWith('backbone.') ? name.slice('backbone.'.length) : undefined,
    );
    const members: Record<string, Uint8Array> = {};
    for (const [name, { shape }] of dinov2.tensors) {
      const isRegister = name === 'register_tokens';
      const data = await dinov2.read(name);
      const own = isRegister ? [1, 1, shape[2]] : shape;
      members[`${name}.npy`] = array(own, isRegister ? data.slice(0, shape[2]) : data);
    }
    const checkpoint = await openBytes(await zipFile(members));
    const { manifest } = await convertInMemory(checkpoint, {
      preprocess: { ...ENOUGH.preprocess, mean: [0, 0, 0], std: [1, 1, 1] },
    });
    expect(manifest.architecture).toMatchObject({
      registerTokens: 1,
      layerScale: true,
      positionEmbedding: 'all-but-registers',
      // Unlike DINOv2.
      positionResampling: 'bilinear-antialias',
    });
    const asked = await convertInMemory(checkpoint, { layout: 'dino' });
    expect(asked.manifest.architecture).not.toHaveProperty('positionResampling');
  });
});

test('big_vision’s sincos2d positions are in no file: the formula’s, in float64', async () => {
  const model = renameTensors(await openFixture('jax-vit'), (name) =>
    /pos_embedding|^cls$/.test(name) ? undefined : name,
  );
  const { manifest, tensors } = await convertInMemory(model, { pooling: 'patches', imageSize: [32, 32] });
  expect(manifest.architecture).toMatchObject({ classToken: false, positionResampling: 'sincos-inclusive' });
  const { width, imageSize, patchSize } = manifest.architecture;
  const quarter = width / 4;
  const [rows, columns] = imageSize.map((side, axis) => side / patchSize[axis]);
  const expected = new Float32Array(rows * columns * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let i = 0; i < quarter; i++) {
        const omega = 10000 ** -(i / (quarter - 1));
        const [x, y] = [column * omega, row * omega];
        const at = (row * columns + column) * width + i;
        for (const [part, value] of [Math.sin(x), Math.cos(x), Math.sin(y), Math.cos(y)].entries()) {
          expected[at + part * quarter] = value;
        }
      }
    }
  }
  expect(tensors.get('pos_embed')).toEqual(expected);
});

describe('a text of a SigLIP is filled up', () => {
  const visual = {
    image_size: 224,
    timm_model_name: 'vit_base_patch16_siglip_224',
    timm_pool: 'map',
    timm_proj: 'none',
  };
  const openClip = (text: object) => ({
    model_cfg: { embed_dim: 768, custom_text: true, vision_cfg: visual, text_cfg: { pool_type: 'last', ...text } },
  });

  test.each([
    [
      'with Gemma’s <pad> in a SigLIP 2',
      { model_type: 'siglip', vision_config: {}, text_config: { vocab_size: 256000 } },
      0,
    ],
    [
      'whatever default was written down',
      { model_type: 'siglip', vision_config: {}, text_config: { vocab_size: 256000, pad_token_id: 1 } },
      0,
    ],
    ['with Gemma’s in NaFlex', { model_type: 'siglip2', vision_config: {}, text_config: { vocab_size: 256000 } }, 0],
    ['with its own end in the first', { model_type: 'siglip', vision_config: {}, text_config: {} }, 1],
    [
      'with what a config says of another vocabulary',
      { model_type: 'siglip', vision_config: {}, text_config: { vocab_size: 64, pad_token_id: 3 } },
      3,
    ],
    ['with Gemma’s by open_clip', openClip({ vocab_size: 256000 }), 0],
    ['with its own end by open_clip', openClip({ vocab_size: 32000 }), 1],
  ])('%s', (_, config, padding) => {
    expect(readConfig(config)?.text?.value).toMatchObject({ pooling: 'last', padding });
  });
});
