/**
 * The same model under the names of several libraries must become the same bytes: `test/harness/layouts.ts` writes the
 * names, shapes and orders, the converter reads them. And what the names leave open is asked for.
 */
import { describe, expect, test } from 'vitest';
import { withFlags } from '../../src/cli/convert-flags.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import type { ConvertOptions } from '../../src/convert/convert.ts';
import type { Finding } from '../../src/convert/decisions.ts';
import { familyOf } from '../../src/convert/families/index.ts';
import type { ViTError } from '../../src/error.ts';
import {
  addTensors,
  type Converted,
  convertInMemory,
  fixtureJson,
  openFixture,
  renameTensors,
} from '../harness/checkpoints.ts';
import {
  checkpointOf,
  dinov2Names,
  huggingFaceNames,
  jaxNames,
  openAiNames,
  scanned,
  type Tensors,
  tensorsOf,
  vitPytorchNames,
} from '../harness/layouts.ts';

type Options = Partial<ConvertOptions>;

const HF_CONFIG = fixtureJson('hf-vit/config.json');
const CURRENT = ['LayerNorm_0', 'MultiHeadDotProductAttention_0', 'LayerNorm_1', 'MlpBlock_0'];
const VIT_PYTORCH: Options = { patchSize: [8, 8], pooling: 'class' };

async function convertFixture(family: string, options: Options = {}, without = /^$/): Promise<Converted> {
  const rest = renameTensors(await openFixture(family), (name) => (without.test(name) ? undefined : name));
  return convertInMemory(rest, options);
}

function canonical({ manifest, tensors }: Converted): Tensors {
  return tensorsOf(manifest.tensors, tensors as Map<string, Float32Array<ArrayBuffer>>);
}

async function refusal(checkpoint: Checkpoint, options: Options): Promise<{ code: string; message: string }> {
  try {
    await convertInMemory(checkpoint, options);
  } catch (error) {
    return { code: (error as ViTError).code, message: withFlags(error as ViTError) };
  }
  throw new Error('It was converted.');
}

/** `name` with another shape, all zero. */
const reshaped = (model: Tensors, name: string, shape: number[]) => {
  if (!model.has(name)) throw new Error(`there is no ${name}`);
  return addTensors(checkpointOf(model), { [name]: shape });
};

const without = (model: Tensors, name: string) => {
  if (!model.has(name)) throw new Error(`there is no ${name}`);
  return checkpointOf(new Map([...model].filter(([other]) => other !== name)));
};

const plain = await convertFixture('timm-vit');
const noBias = await convertFixture('timm-vit-no-qkv-bias');
const clip = await convertFixture('timm-clip-quickgelu', { epsilon: 1e-5, activation: 'quick_gelu' }, /^head\./);
const bothTowers = await convertFixture('hf-clip', { config: fixtureJson('hf-clip/config.json') });
const DINOV2 = { ...fixtureJson('hf-dinov2/config.json'), architectures: ['Dinov2Model'] };
const dinov2 = await convertFixture('hf-dinov2', { config: DINOV2 }, /^classifier/);

const vitPytorchFixture = await openFixture('vit-pytorch');

const { logitScale } = bothTowers.manifest.architecture.text!;

const jaxModel = jaxNames(canonical(plain), 3);
const vitPytorchModel = vitPytorchNames(canonical(noBias));
const openAiModel = openAiNames(canonical(bothTowers), { logit_scale: logitScale });
const dinov2Model = dinov2Names(canonical(dinov2));

const under = (prefix: string, model: Tensors): Tensors =>
  new Map([...model].map(([name, tensor]) => [prefix + name, tensor]));

describe('the same bytes as', () => {
  const cases: [title: string, original: Converted, model: Tensors, options: Options][] = [
    ['timm: Hugging Face', plain, huggingFaceNames(canonical(plain)), { config: HF_CONFIG }],
    ['timm: JAX, as published', plain, jaxModel, { heads: undefined }],
    ['timm: JAX, current names', plain, jaxNames(canonical(plain), 3, CURRENT), {}],
    ['timm: JAX, scanned', plain, scanned(jaxNames(canonical(plain), 3, CURRENT)), {}],
    ['timm: JAX, below params/img/', plain, under('params/img/', scanned(jaxModel)), {}],
    ['timm: vit-pytorch', noBias, vitPytorchModel, VIT_PYTORCH],
    ['timm: OpenAI CLIP, the image tower alone', clip, openAiNames(canonical(clip)), {}],
    ['Hugging Face: OpenAI CLIP, both towers', bothTowers, openAiModel, { textHeads: 3 }],
    ['Hugging Face: DINOv2 in chunks', dinov2, dinov2Model, {}],
    ['Hugging Face: DINOv2 in chunks, as a teacher', dinov2, under('teacher.backbone.', dinov2Model), {}],
  ];
  for (const [title, original, model, options] of cases) {
    test(title, async () => {
      const converted = await convertInMemory(checkpointOf(model), options);
      // By their hashes: of a difference between files, no one wants to see every byte.
      expect(converted.manifest.shards).toEqual(original.manifest.shards);
      const { positionResampling: _, epsilon: __, activation: ___, text, ...same } = original.manifest.architecture;
      expect(converted.manifest.architecture).toMatchObject(same);
      if (text) expect(converted.manifest.architecture.text).toMatchObject({ logitScale: text.logitScale, heads: 3 });
    });
  }
});

describe('what a library takes for granted', () => {
  test('JAX: GELU with tanh, corners that stay, heads from shapes', async () => {
    const findings: Finding[] = [];
    const options = { heads: undefined, onFindings: (list: Finding[]) => findings.push(...list) };
    const { manifest } = await convertInMemory(checkpointOf(jaxModel), options);
    expect(manifest.architecture).toMatchObject({
      heads: 3,
      epsilon: 1e-6,
      activation: 'gelu_tanh',
      positionResampling: 'bilinear-corners',
    });
    expect(findings).toContainEqual({ what: 'heads', value: '3', why: 'shape of the attention' });
    expect(findings).toContainEqual({ what: 'layout', value: 'JAX ViT', why: 'names of the tensors' });
  });

  test('OpenAI: quick GELU, epsilon 1e-5, heads of 64, the token with the highest id', async () => {
    const { manifest } = await convertInMemory(checkpointOf(openAiModel), { textHeads: 3 });
    expect(manifest.architecture).toMatchObject({
      epsilon: 1e-5,
      activation: 'quick_gelu',
      positionResampling: 'bicubic',
    });
    expect(manifest.architecture.text).toEqual({
      ...{ vocabulary: 64, tokens: 16, width: 48, depth: 2, heads: 3, mlpWidth: 192 },
      ...{ activation: 'quick_gelu', epsilon: 1e-5, causal: true, pooling: 'highest-id', padding: 0 },
      logitScale,
    });
    const wide = new Map(
      [...openAiNames(canonical(clip))].map(([name, { shape, data }]) => {
        // 48 features become 128, all zero: the number of heads follows from the width alone.
        const widened = shape.map((size) => (size % 48 === 0 ? (size / 48) * 128 : size));
        const length = widened.reduce((a, b) => a * b, 1);
        return [name, { shape: widened, data: length === data.length ? data : new Float32Array(length) }];
      }),
    );
    expect((await convertInMemory(checkpointOf(wide), { heads: undefined })).manifest.architecture.heads).toBe(2);
  });

  test('DINOv2: its own resampling, with registers another one', async () => {
    const { manifest } = await convertInMemory(checkpointOf(dinov2Model));
    expect(manifest.architecture).toMatchObject({ epsilon: 1e-6, positionResampling: 'bicubic-offset' });
    const registers = await convertFixture('dinov2-registers-classifier');
    // That of timm, which manifests leave out.
    expect(registers.manifest.architecture.positionResampling).toBeUndefined();
    expect(registers.manifest.architecture).toMatchObject({ registerTokens: 4, pooling: 'class-and-patches' });
  });

  test('vit-pytorch: epsilon 1e-5, exact GELU, no bias of Q, K and V, norms of pixels and patches', async () => {
    const { manifest } = await convertFixture('vit-pytorch', VIT_PYTORCH);
    expect(manifest.architecture).toMatchObject({
      epsilon: 1e-5,
      activation: 'gelu',
      qkvBias: false,
      pixelNorm: true,
      patchNorm: true,
      headSize: 20,
    });
  });

  test('vit-pytorch: one head that is as wide as the tokens has no projection, which is then the identity', async () => {
    const unprojected = new Map([...vitPytorchModel].filter(([name]) => !name.includes('to_out')));
    const written = new Map(vitPytorchModel);
    for (const [name, { shape }] of vitPytorchModel) {
      if (!name.includes('to_out')) continue;
      const isWeight = shape.length === 2;
      const data = Float32Array.from({ length: isWeight ? 48 * 48 : 48 }, (_, i) => (isWeight && i % 49 === 0 ? 1 : 0));
      written.set(name, { shape, data });
    }
    const expected = await convertInMemory(checkpointOf(written), { ...VIT_PYTORCH, heads: 1 });
    const converted = await convertInMemory(checkpointOf(unprojected), { ...VIT_PYTORCH, heads: undefined });
    expect(converted.manifest).toEqual(expected.manifest);
    const { message } = await refusal(checkpointOf(unprojected), { ...VIT_PYTORCH, heads: 3 });
    expect(message).toContain('heads 3 (given), but the tensors have 1');
  });

  test('vit-pytorch: a class token without elements is none, and a norm behind the pooling stays there', async () => {
    const preprocess = {
      resize: { mode: 'squash' as const, height: 16, width: 16 },
      filter: 'bilinear' as const,
      mean: [0.5],
      std: [0.5],
    };
    const mean = await convertFixture('vit-pytorch-mean', { patchSize: [4, 4], preprocess });
    expect(mean.manifest.architecture).toMatchObject({ classToken: false, pooling: 'patches', channels: 1 });
    const old = await convertFixture('vit-pytorch-old-mean', {
      heads: 4,
      patchSize: [8, 4],
      pooling: 'all',
      preprocess: { ...preprocess, resize: { mode: 'squash', height: 32, width: 16 }, mean: [0, 0, 0], std: [1, 1, 1] },
    });
    expect(old.manifest.architecture).toMatchObject({ finalNorm: 'pooled', pooling: 'all', imageSize: [32, 16] });
  });
});

describe('what the names leave open is asked for', () => {
  const asked: [title: string, make: () => Promise<Checkpoint>, options: Options, questions: string[]][] = [
    [
      'vit-pytorch: patches, pooling and heads at once',
      async () => checkpointOf(vitPytorchModel),
      { heads: undefined },
      ['--patch-size HxW', '--pooling class|all', '--heads N'],
    ],
    [
      'open_clip: activation and both numbers of heads',
      async () => without(openAiModel, 'input_resolution'),
      { heads: undefined },
      ['--activation quick_gelu', '--heads N', '--text-heads N'],
    ],
    [
      'OpenAI: heads, where the width is not of heads of 64',
      async () => checkpointOf(openAiModel),
      { heads: undefined },
      ['--heads N', '--text-heads N'],
    ],
    [
      'timm: a CLIP without config.json',
      () => openFixture('timm-clip-quickgelu'),
      {},
      ['norm_pre', '1e-5. Give --epsilon X', '--activation quick_gelu'],
    ],
    ['timm: a SigLIP without config.json', () => openFixture('timm-siglip'), {}, ['--activation gelu|gelu_tanh']],
    ['timm or DINO: a plain ViT without a head', () => openFixture('timm-vit-headless'), {}, ['--layout timm|dino']],
    ['DINO or timm', () => openFixture('dino'), {}, ['--layout timm|dino']],
    [
      'nn.TransformerEncoder: which tokens are pooled',
      () => openFixture('torch-encoder-28x28-gray'),
      { epsilon: 1e-5, activation: 'gelu', normFirst: true, imageSize: [28, 28] },
      ['--pooling class|patches|all'],
    ],
  ];
  for (const [title, make, options, questions] of asked) {
    test(title, async () => {
      const { code, message } = await refusal(await make(), options);
      expect(code).toBe('unsupported-model');
      expect(message).toContain('does not say everything');
      for (const question of questions) expect(message).toContain(question);
    });
  }

  test('and the answers are taken', async () => {
    const resampling = async (options: Options) =>
      (await convertFixture('dino', options)).manifest.architecture.positionResampling;
    expect(await resampling({ layout: 'dino' })).toBe('bicubic-offset');
    expect(await resampling({ layout: 'timm' })).toBeUndefined();
    expect(await resampling({ config: { architecture: 'vit_tiny_patch16_224' } })).toBeUndefined();
    const teacher = renameTensors(await openFixture('dino'), (name) => `teacher.backbone.${name}`);
    expect((await convertInMemory(teacher)).manifest.architecture.positionResampling).toBe('bicubic-offset');
  });

  test("timm's names of models answer for CLIP and SigLIP", async () => {
    const of = async (family: string, architecture: string, tag?: string) =>
      (await convertFixture(family, { config: { architecture, pretrained_cfg: { tag } } })).manifest.architecture;
    const clipFixture = 'timm-clip-quickgelu';
    expect(await of(clipFixture, 'vit_base_patch32_clip_quickgelu_224')).toMatchObject({
      epsilon: 1e-5,
      activation: 'quick_gelu',
    });
    expect(await of(clipFixture, 'vit_base_patch32_clip_224', 'laion2b')).toMatchObject({
      epsilon: 1e-5,
      activation: 'gelu',
    });
    await expect(of(clipFixture, 'vit_base_patch32_clip_224', 'openai')).rejects.toThrow('activation of its MLPs');
    await expect(of(clipFixture, 'vit_base_patch32_clip_224')).rejects.toThrow('activation of its MLPs');
    await expect(of(clipFixture, 'vit_tiny_patch16_224')).rejects.toThrow('epsilon of its norms');
    expect(await of('timm-siglip', 'vit_base_patch16_siglip_224')).toMatchObject({ activation: 'gelu' });
    expect(await of('timm-siglip', 'vit_so400m_patch16_siglip_384')).toMatchObject({ activation: 'gelu_tanh' });
    await expect(of('timm-vit', 'vit_base_patch16_rpn_224')).rejects.toMatchObject({ code: 'unsupported-model' });
  });

  test('flags that contradict the tensors are refused', async () => {
    const refused = async (checkpoint: Checkpoint, options: Options) => (await refusal(checkpoint, options)).message;
    expect(await refused(checkpointOf(jaxModel), { heads: 4 })).toContain('heads 4 (given), but the tensors have 3');
    expect(await refused(checkpointOf(jaxModel), { patchSize: [4, 4] })).toContain('patches of 4x4 (given), but');
    expect(await refused(checkpointOf(vitPytorchModel), { ...VIT_PYTORCH, patchSize: [5, 7] })).toContain(
      'to_patch_embedding.1.weight: patches of 192 numbers are no whole channels of 5x7 pixels',
    );
    expect(
      await refused(await openFixture('hf-siglip-vision'), {
        config: fixtureJson('hf-siglip-vision/config.json'),
        pooling: 'all',
      }),
    ).toContain('pooling all (given), but the tensors are those of "attention"');
  });
});

describe('what is missing, unknown or of a wrong shape is named', () => {
  const JAX_OUT = 'Transformer/encoderblock_1/MultiHeadDotProductAttention_1/out/kernel';
  const JAX_QUERY = 'Transformer/encoderblock_1/MultiHeadDotProductAttention_1/query/kernel';
  const scan = scanned(jaxModel);
  const cases: [title: string, checkpoint: Checkpoint, options: Options, message: string][] = [
    ['OpenAI: no class token', without(openAiModel, 'visual.class_embedding'), {}, 'no layout'],
    ['open_clip: no norm before the blocks', without(openAiModel, 'visual.ln_pre.weight'), {}, 'no layout'],
    ['OpenAI: no norm', without(openAiModel, 'visual.ln_post.bias'), {}, 'has no visual.ln_post.bias'],
    ['OpenAI: no projection of texts', without(openAiModel, 'text_projection'), {}, 'has no text_projection'],
    [
      'OpenAI: a projection as a layer',
      reshaped(openAiModel, 'visual.proj', [24]),
      {},
      'visual.proj: shape [24] where 2 axes are expected',
    ],
    [
      'OpenAI: an MLP of another width',
      reshaped(openAiModel, 'transformer.resblocks.1.mlp.c_proj.weight', [48, 100]),
      {},
      'transformer.resblocks.1.mlp.c_proj.weight: [48,100], not [48,192]',
    ],
    ['JAX: no norm', without(jaxModel, 'Transformer/encoder_norm/bias'), {}, 'has no Transformer/encoder_norm/bias'],
    [
      'JAX: no key',
      without(jaxModel, JAX_QUERY.replace('query', 'key')),
      {},
      `has no ${JAX_QUERY.replace('query', 'key')}`,
    ],
    [
      'JAX: a block with other heads',
      addTensors(reshaped(jaxModel, JAX_QUERY, [48, 4, 12]), {
        [JAX_QUERY.replace('query', 'key')]: [48, 4, 12],
        [JAX_QUERY.replace('query', 'value')]: [48, 4, 12],
      }),
      {},
      'has 3 heads, but',
    ],
    ['JAX: Q of other heads than K', reshaped(jaxModel, JAX_QUERY, [48, 4, 12]), {}, 'are no heads together'],
    [
      'JAX: a kernel of two axes',
      reshaped(jaxModel, JAX_OUT, [48, 48]),
      {},
      `${JAX_OUT}: shape [48,48] where 3 axes are expected`,
    ],
    [
      'JAX: a scan of several depths',
      reshaped(scan, 'Transformer/encoderblock/LayerNorm_2/bias', [3, 48]),
      {},
      'Transformer/encoderblock/LayerNorm_2/bias has shape [3,48], whose first axis is not that of',
    ],
    [
      'JAX: a hybrid',
      addTensors(checkpointOf(jaxModel), { 'conv_root/kernel': [7, 7, 3, 64] }),
      {},
      'no part of a JAX ViT: conv_root/kernel',
    ],
    [
      'DINOv2: no layer scale in a block',
      without(dinov2Model, 'blocks.0.1.ls2.gamma'),
      {},
      'has no blocks.1.ls2.gamma',
    ],
    [
      'DINOv2: a block in two places',
      addTensors(checkpointOf(dinov2Model), { 'blocks.1.norm1.weight': [48] }),
      {},
      'are both blocks.1.norm1.weight',
    ],
    [
      'DINOv2: a classifier of four blocks',
      addTensors(checkpointOf(under('backbone.', dinov2Model)), {
        'linear_head.weight': [7, 240],
        'linear_head.bias': [7],
      }),
      {},
      'linear_head.weight: [7,240], not [7,48]',
    ],
    [
      'vit-pytorch: no projection in one block',
      without(vitPytorchModel, 'transformer.layers.0.0.to_out.0.weight'),
      VIT_PYTORCH,
      'has no transformer.layers.0.0.to_out.0.weight',
    ],
    [
      'vit-pytorch: SimpleViT',
      addTensors(checkpointOf(vitPytorchModel), { 'linear_head.weight': [7, 48] }),
      VIT_PYTORCH,
      'no part of a lucidrains ViT: linear_head.weight',
    ],
    [
      'vit-pytorch: pixels and norm of different sizes',
      addTensors(vitPytorchFixture, { 'to_patch_embedding.1.weight': [128] }),
      VIT_PYTORCH,
      'to_patch_embedding.1.weight: [128], not [192]',
    ],
  ];
  for (const [title, checkpoint, options, message] of cases) {
    test(title, async () => {
      const error = await refusal(checkpoint, { textHeads: 3, ...options });
      expect(['bad-input', 'unsupported-model']).toContain(error.code);
      expect(error.message).toContain(message);
    });
  }

  test('SigLIP in JAX: the other tower is not dropped without a word', async () => {
    const both = new Map([...under('params/img/', jaxModel), ...under('params/txt/', jaxModel)]);
    const texts = new Map([...both].map(([name, tensor]) => [name.replace('txt/embedding', 'txt/Embed_0'), tensor]));
    const error = await refusal(checkpointOf(texts), {});
    expect(error.message).toContain('Give --prefix params/img/');
    const { manifest } = await convertInMemory(checkpointOf(texts), { prefix: 'params/img/' });
    expect(manifest.architecture.heads).toBe(3);
  });
});

describe('the layout', () => {
  test('is recognised by the names', () => {
    const layout = (model: Tensors) => familyOf(model.keys()).layout;
    expect(layout(openAiModel)).toBe('openai-clip');
    expect(layout(jaxModel)).toBe('jax');
    expect(layout(scanned(jaxModel))).toBe('jax');
    expect(layout(vitPytorchModel)).toBe('vit-pytorch');
    expect(layout(dinov2Model)).toBe('dino');
    expect(layout(canonical(plain))).toBe('timm');
  });
});
