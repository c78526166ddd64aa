import { describe, expect, test } from 'vitest';
import { readTimmName } from '../../src/convert/configs/timm-names.ts';
import { familyOf, LAYOUTS } from '../../src/convert/families/index.ts';
import { type Architecture, withDefaults } from '../../src/model/architecture.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import {
  addTensors,
  convertInMemory,
  ENOUGH,
  fixtureJson,
  openFixture,
  renameTensors,
} from '../harness/checkpoints.ts';

const CONFIG = fixtureJson('hf-vit/config.json');

/** The names that transformers 5 gives the same modules in memory. */
function inMemoryName(name: string): string {
  return name
    .replace('encoder.layer.', 'layers.')
    .replace(/attention\.attention\.(query|key|value)/, (_, part: string) => `attention.${part[0]}_proj`)
    .replace('attention.output.dense', 'attention.o_proj')
    .replace('intermediate.dense', 'mlp.fc1')
    .replace('output.dense', 'mlp.fc2');
}

/** A manifest has the hashes of its shards: equal manifests are of equal files. */
describe('canonical names', () => {
  for (const family of ['timm-vit', 'hf-vit']) {
    test(`${family}: every tensor of the architecture, and no other`, async () => {
      const options = family === 'hf-vit' ? { config: CONFIG } : {};
      const { manifest } = await convertInMemory(await openFixture(family), options);
      const shapes = Object.entries(manifest.tensors).map(([name, { shape }]) => [name, shape]);
      expect(Object.fromEntries(shapes)).toEqual(Object.fromEntries(tensorShapes(withDefaults(manifest.architecture))));
      expect(manifest.architecture).toEqual({
        imageSize: [32, 32],
        patchSize: [8, 8],
        channels: 3,
        width: 48,
        depth: 2,
        heads: 3,
        mlpWidth: 192,
        classes: 7,
        activation: 'gelu',
        epsilon: family === 'hf-vit' ? 1e-12 : 1e-6,
        // What is usual in timm is left out.
        ...(family === 'hf-vit' && { positionResampling: 'bicubic' }),
      });
    });
  }

  test('Q, K and V lie one below the other', async () => {
    const checkpoint = await openFixture('hf-vit');
    const { tensors } = await convertInMemory(checkpoint, { config: CONFIG });
    for (const kind of ['weight', 'bias']) {
      const parts = await Promise.all(
        ['query', 'key', 'value'].map((part) =>
          checkpoint.read(`vit.encoder.layer.1.attention.attention.${part}.${kind}`),
        ),
      );
      expect([...tensors.get(`blocks.1.attn.qkv.${kind}`)!]).toEqual(parts.flatMap((part) => [...part]));
    }
  });

  test('a Hugging Face checkpoint gives the shards of the same model under names of timm, bit for bit', async () => {
    const huggingFace = await openFixture('hf-vit');
    const { tensors, manifest } = await convertInMemory(huggingFace, { config: CONFIG });
    const names = [...tensors.keys()];
    const timm = {
      format: 'made up',
      tensors: new Map(
        names.map((name) => [
          name,
          { shape: shapeOf(name, tensors), dtype: 'f32', bytes: 4 * tensors.get(name)!.length },
        ]),
      ),
      read: async (name: string) => Float32Array.from(tensors.get(name)!),
    };
    const again = await convertInMemory(timm, { epsilon: 1e-12 });
    expect(again.manifest.shards).toEqual(manifest.shards);
    expect(again.manifest.golden).toEqual(manifest.golden);
  });

  test('names without prefix and names in memory give the same files as those on disk', async () => {
    const onDisk = await openFixture('hf-vit');
    const { manifest } = await convertInMemory(onDisk, { config: CONFIG });
    const bare = renameTensors(onDisk, (name) => name.replace(/^vit\./, ''));
    const inMemory = renameTensors(onDisk, inMemoryName);
    expect([...inMemory.tensors.keys()]).toContain('vit.layers.0.attention.q_proj.weight');
    expect([...inMemory.tensors.keys()]).toContain('vit.layers.0.mlp.fc2.bias');
    for (const checkpoint of [bare, inMemory]) {
      expect((await convertInMemory(checkpoint, { config: CONFIG })).manifest).toEqual(manifest);
    }
  });

  test('tensors that inference has no use for are left out by name', async () => {
    const findings: string[] = [];
    const checkpoint = addTensors(await openFixture('hf-vit'), {
      'vit.embeddings.mask_token': [1, 1, 48],
      'vit.pooler.dense.weight': [48, 48],
      'vit.pooler.dense.bias': [48],
    });
    await convertInMemory(checkpoint, {
      config: CONFIG,
      onFindings: (list) => findings.push(...list.filter(({ what }) => what === 'left out').map(({ value }) => value)),
    });
    expect(findings).toEqual(['vit.embeddings.mask_token', 'vit.pooler.dense.weight', 'vit.pooler.dense.bias']);
  });
});

function shapeOf(name: string, tensors: Map<string, Float32Array>): number[] {
  const architecture = withDefaults({
    imageSize: [32, 32],
    patchSize: [8, 8],
    channels: 3,
    width: 48,
    depth: 2,
    heads: 3,
    mlpWidth: 192,
    classes: 7,
    activation: 'gelu',
    epsilon: 1,
  });
  const shape = tensorShapes(architecture).get(name)!;
  expect(tensors.get(name)).toHaveLength(shape.reduce((a, b) => a * b, 1));
  return shape;
}

describe('the layout', () => {
  test('is recognised by the names', () => {
    expect(familyOf(['blocks.0.attn.qkv.weight', 'patch_embed.proj.weight']).layout).toBe('timm');
    const names = ['deit.embeddings.cls_token', 'deit.embeddings.patch_embeddings.projection.weight'];
    expect(familyOf(names).layout).toBe('hf');
  });

  test('that nothing fits is refused with some of the names', () => {
    expect(() => familyOf(['stem.weight', 'layer1.0.conv1.weight'])).toThrow(/no layout .*: stem\.weight, layer1/);
    expect(() => familyOf([])).toThrow('no layout');
  });

  test('may be given, and must be one that is known', async () => {
    expect(familyOf([], { layout: 'hf' }).layout).toBe('hf');
    expect(() => familyOf([], { layout: 'keras' })).toThrow(
      `There is no layout keras; there are auto, ${LAYOUTS.join(', ')}.`,
    );
    await expect(convertInMemory(await openFixture('timm-vit'), { layout: 'hf' })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('embeddings.patch_embeddings.projection.weight'),
    });
  });
});

describe('what tensors show of the architecture', () => {
  const families: Record<string, Partial<Architecture>> = {
    'hf-beit': {
      positionEmbedding: 'none',
      relativePositionBias: 'per-block',
      layerScale: true,
      finalNorm: 'pooled',
      pooling: 'patches',
    },
    'hf-deit-teacher': { distillationToken: true, pooling: 'class-and-distillation' },
    'hf-dinov2': { layerScale: true, pooling: 'class-and-patches' },
    'hf-dinov2-registers-swiglu': {
      registerTokens: 4,
      positionEmbedding: 'all-but-registers',
      mlp: 'swiglu',
      mlpWidth: 128,
      layerScale: true,
      pooling: 'class-and-patches',
    },
    'hf-siglip-vision': { classToken: false, pooling: 'attention', classes: 0, mlpWidth: 148 },
    'hf-vit-base-model': { classes: 0, representation: 48 },
    'timm-beit': {
      positionEmbedding: 'none',
      relativePositionBias: 'per-block',
      relativeResampling: 'geometric',
      layerScale: true,
      finalNorm: 'pooled',
      pooling: 'patches',
    },
    'timm-clip-quickgelu': { patchBias: false, normBeforeBlocks: true },
    'timm-deit-distilled': { distillationToken: true, pooling: 'class-and-distillation' },
    'timm-deit3': { positionEmbedding: 'patches', layerScale: true },
    'timm-dinov2-reg-swiglu': { registerTokens: 4, positionEmbedding: 'patches', mlp: 'swiglu', layerScale: true },
    'timm-siglip': { classToken: false, pooling: 'attention' },
    'timm-vit-1ch': { channels: 1 },
    'timm-vit-avg-pool': { finalNorm: 'pooled', pooling: 'patches' },
    'timm-vit-headless': { classes: 0 },
    'timm-vit-no-qkv-bias': { qkvBias: false },
    'torchvision-vit-representation': { representation: 20, positionResampling: 'bicubic-corners' },
    'vit-patch-norm': { patchNorm: true },
    'vit-representation-tanh': { representation: 20 },
  };
  for (const [family, expected] of Object.entries(families)) {
    test(family, async () => {
      const config = family.startsWith('hf') ? fixtureJson(`${family}/config.json`) : undefined;
      const one = { ...ENOUGH.preprocess, mean: [0.5], std: [0.5] };
      const preprocess = expected.channels === 1 ? one : ENOUGH.preprocess;
      // What the names leave open: whether it is timm's or DINO's, and the numbers of a CLIP or SigLIP.
      const told = family.startsWith('timm-') ? { layout: 'timm', epsilon: 1e-6, activation: 'gelu' as const } : {};
      const { manifest } = await convertInMemory(await openFixture(family), { ...told, config, preprocess });
      const { imageSize, patchSize, channels, width, depth, mlpWidth, classes, heads, activation, epsilon, ...rest } =
        manifest.architecture;
      expect(imageSize).toEqual([32, 32]);
      expect({ channels, classes, mlpWidth, ...rest }).toMatchObject(expected);
      // Nothing that is not expected departs from a plain ViT.
      const { positionResampling: _, ...departures } = rest;
      for (const name of Object.keys(departures)) expect(expected).toHaveProperty(name);
    });
  }

  test('the text tower of a CLIP', async () => {
    const { manifest } = await convertInMemory(await openFixture('hf-clip'), {
      config: fixtureJson('hf-clip/config.json'),
    });
    expect(manifest.architecture).toMatchObject({ projection: 24, normalizeEmbedding: true, normBeforeBlocks: true });
    expect(manifest.architecture.text).toEqual({
      ...{ vocabulary: 64, tokens: 16, width: 48, depth: 2, heads: 3, mlpWidth: 192 },
      ...{ activation: 'quick_gelu', epsilon: 1e-5, causal: true, pooling: 'end-of-text', endOfText: 63, padding: 1 },
      logitScale: expect.closeTo(2.6592, 4),
    });
  });

  test('a CLIP of old: end-of-text 2 means the token with the highest id', async () => {
    const config = fixtureJson('hf-clip/config.json');
    const text_config = { ...(config.text_config as object), eos_token_id: 2 };
    const { manifest } = await convertInMemory(await openFixture('hf-clip'), { config: { ...config, text_config } });
    expect(manifest.architecture.text).toMatchObject({ pooling: 'highest-id' });
    expect(manifest.architecture.text).not.toHaveProperty('endOfText');
  });

  test('a CLIP with a classifier has neither a final norm nor a class token that counts', async () => {
    const config = fixtureJson('hf-clip-classifier/config.json');
    const preprocess = { ...ENOUGH.preprocess, resize: { mode: 'squash' as const, height: 16, width: 16 } };
    const options = { config, preprocess, heads: undefined };
    const { manifest } = await convertInMemory(await openFixture('hf-clip-classifier'), options);
    expect(manifest.architecture).toMatchObject({ finalNorm: 'none', pooling: 'patches', classes: 5 });
    expect(manifest.architecture.text).toBeUndefined();
  });

  for (const [family, rename] of [
    [
      'hf-beit',
      (name: string) =>
        name
          .replace('encoder.layer.', 'layers.')
          .replace('attention.attention.relative_position_bias', 'relative_position_bias')
          .replace(/attention\.attention\.(query|key|value)/, (_, part: string) => `attention.${part[0]}_proj`)
          .replace('attention.output.dense', 'attention.o_proj')
          .replace('intermediate.dense', 'mlp.fc1')
          .replace('output.dense', 'mlp.fc2'),
    ],
    [
      'hf-dinov2',
      (name: string) =>
        name
          .replace(/attention\.attention\.(query|key|value)/, (_, part: string) => `attention.${part[0]}_proj`)
          .replace('attention.output.dense', 'attention.o_proj'),
    ],
  ] as [string, (name: string) => string][]) {
    test(`${family} with names in memory gives the same files as with those on disk`, async () => {
      const onDisk = await openFixture(family);
      const options = { config: fixtureJson(`${family}/config.json`) };
      const inMemory = renameTensors(onDisk, rename);
      expect([...inMemory.tensors.keys()].join()).toContain('attention.q_proj.weight');
      const { manifest } = await convertInMemory(onDisk, options);
      expect((await convertInMemory(inMemory, options)).manifest).toEqual(manifest);
    });
  }

  test('a ViTModel has a pooler, and a classifier has none', async () => {
    const pooler = { 'vit.pooler.dense.weight': [48, 48], 'vit.pooler.dense.bias': [48] };
    const { manifest } = await convertInMemory(addTensors(await openFixture('hf-vit'), pooler), { config: CONFIG });
    expect(manifest.architecture.representation).toBeUndefined();
  });

  test("the bias of a BEiT's K is zero", async () => {
    const checkpoint = await openFixture('timm-beit');
    const { tensors } = await convertInMemory(checkpoint);
    const bias = tensors.get('blocks.1.attn.qkv.bias')!;
    expect([...bias.slice(48, 96)]).toEqual(new Array(48).fill(0));
    expect([...bias.slice(0, 48)]).toEqual([...(await checkpoint.read('blocks.1.attn.q_bias'))]);
    expect([...bias.slice(96)]).toEqual([...(await checkpoint.read('blocks.1.attn.v_bias'))]);
  });

  test("the query of SigLIP's pooling is a third of PyTorch's matrix, keys and values the others", async () => {
    const checkpoint = await openFixture('hf-siglip-vision');
    const { tensors } = await convertInMemory(checkpoint, { config: fixtureJson('hf-siglip-vision/config.json') });
    const all = await checkpoint.read('head.attention.in_proj_weight');
    expect([...tensors.get('attn_pool.q.weight')!]).toEqual([...all.slice(0, 48 * 48)]);
    expect([...tensors.get('attn_pool.kv.weight')!]).toEqual([...all.slice(48 * 48)]);
  });
});

describe('what this version cannot run is refused, naming the tensor', () => {
  /** Tensors of other kinds of ViT, alone among those of a plain one. */
  const halves: Record<string, [shape: number[], named: string]> = {
    'head_dist.weight': [[7, 48], 'has no head_dist.bias'],
    'norm_pre.weight': [[48], 'has no norm_pre.bias'],
    'blocks.0.attn.q_norm.weight': [[16], 'has no blocks.0.attn.q_norm.bias'],
    'blocks.0.attn.norm.weight': [[48], 'has no blocks.0.attn.norm.bias'],
    'blocks.0.mlp.norm.weight': [[192], 'has no blocks.0.mlp.norm.bias'],
    'blocks.1.ls1.gamma': [[48], 'has no blocks.0.ls1.gamma, blocks.0.ls2.gamma, blocks.1.ls2.gamma'],
    'blocks.1.attn.relative_position_bias_table': [[52, 3], 'has no blocks.0.attn.relative_position_bias_table'],
    'attn_pool.latent': [[1, 1, 48], 'has no attn_pool.kv.weight'],
    'pre_logits.fc.weight': [[48, 48], 'has no pre_logits.fc.bias'],
    'fc_norm.weight': [[48], 'no part of a timm ViT: fc_norm.weight'],
  };
  for (const [name, [shape, named]] of Object.entries(halves)) {
    test(`timm: ${name} and nothing that goes with it`, async () => {
      const converting = convertInMemory(addTensors(await openFixture('timm-vit'), { [name]: shape }));
      await expect(converting).rejects.toMatchObject({ code: 'unsupported-model' });
      await expect(converting).rejects.toThrow(named);
    });
  }

  const missing: Record<string, [family: string, gone: RegExp, named: string]> = {
    'a position embedding': ['timm-vit', /^pos_embed$/, 'has no pos_embed'],
    'the bias of K': ['hf-vit', /0.*key\.bias/, 'has no vit.encoder.layer.0.attention.attention.key.bias'],
    'the bias of one projection': ['timm-vit', /1\.attn\.proj\.bias/, 'has no blocks.1.attn.proj.bias'],
    'a final norm': ['hf-vit', /^vit\.layernorm\./, 'has no layernorm.weight, layernorm.bias'],
    'a block in the middle': ['timm-vit', /^blocks\.0\./, 'has no blocks.0.mlp.fc1.weight'],
  };
  for (const [what, [family, gone, named]] of Object.entries(missing)) {
    test(`a checkpoint without ${what}`, async () => {
      const rest = renameTensors(await openFixture(family), (name) => (gone.test(name) ? undefined : name));
      const converting = convertInMemory(rest, family === 'hf-vit' ? { config: CONFIG } : {});
      await expect(converting).rejects.toMatchObject({ code: 'unsupported-model' });
      await expect(converting).rejects.toThrow(named);
    });
  }

  test('a position embedding for a class token that is not there fits no square', async () => {
    const rest = renameTensors(await openFixture('timm-vit'), (name) => (name === 'cls_token' ? undefined : name));
    await expect(convertInMemory(rest)).rejects.toThrow('17 patches, which are no square');
  });
});

describe('tensors nobody knows', () => {
  const unknown = { 'adapter.down.weight': [4, 48], 'blocks.0.attn.gate': [3] };

  test('are refused, all of them by name', async () => {
    const converting = convertInMemory(addTensors(await openFixture('timm-vit'), unknown));
    await expect(converting).rejects.toMatchObject({ code: 'unsupported-model' });
    await expect(converting).rejects.toThrow('adapter.down.weight, blocks.0.attn.gate. They can be left out if');
  });

  test('are left out on request', async () => {
    const plain = await openFixture('timm-vit');
    const ignore = Object.keys(unknown);
    const { manifest } = await convertInMemory(addTensors(plain, unknown), { ignore });
    expect(manifest).toEqual((await convertInMemory(plain)).manifest);
    await expect(convertInMemory(plain, { ignore })).rejects.toThrow('not in the checkpoint: adapter.down.weight');
  });

  test('include surplus ones of known modules', async () => {
    const converting = convertInMemory(addTensors(await openFixture('timm-vit'), { 'norm.running_mean': [48] }));
    await expect(converting).rejects.toThrow('norm.running_mean');
  });
});

describe('tensors that contradict each other', () => {
  test('a wrong shape is reported with the right one', async () => {
    const checkpoint = addTensors(await openFixture('timm-vit'), { 'blocks.1.norm2.weight': [47] });
    const converting = convertInMemory(checkpoint);
    await expect(converting).rejects.toMatchObject({ code: 'bad-input' });
    await expect(converting).rejects.toThrow('blocks.1.norm2.weight: [47], not [48]');
  });

  test('a patch embedding of two dimensions', async () => {
    const checkpoint = addTensors(await openFixture('timm-vit'), { 'patch_embed.proj.weight': [48, 192] });
    await expect(convertInMemory(checkpoint)).rejects.toThrow('patch_embed.proj.weight has shape [48,192]');
  });

  test('Q, K and V of different widths', async () => {
    const name = 'vit.encoder.layer.0.attention.attention.key.weight';
    const checkpoint = addTensors(await openFixture('hf-vit'), { [name]: [48, 47] });
    await expect(convertInMemory(checkpoint, { config: CONFIG })).rejects.toThrow(
      '[48,48], [48,47], [48,48] do not stack',
    );
  });

  test('the same tensor under two names', async () => {
    const checkpoint = addTensors(await openFixture('hf-vit'), { 'vit.layers.0.layernorm_before.weight': [48] });
    await expect(convertInMemory(checkpoint, { config: CONFIG })).rejects.toThrow(
      'vit.encoder.layer.0.layernorm_before.weight and vit.layers.0.layernorm_before.weight are both blocks.0.norm1.weight',
    );
  });
});

test.each([
  ['SAM', { 'blocks.0.attn.rel_pos_h': [7, 16], 'blocks.0.attn.rel_pos_w': [7, 16] }],
  ['Hiera', { pos_embed_spatial: [1, 16, 48] }],
])('%s is refused by its tensors, and no answer helps', async (name, tensors) => {
  const refused = convertInMemory(addTensors(await openFixture('timm-vit'), tensors));
  await expect(refused).rejects.toMatchObject({
    code: 'unsupported-model',
    message: expect.stringContaining(name),
    questions: undefined,
  });
});

describe("timm's names of models", () => {
  const factsOf = (name: string) => Object.assign({}, ...readTimmName(name, 'config.json').reverse());

  test('say how Q and K are turned, where no tensor does', () => {
    expect(factsOf('vit_small_plus_patch16_dinov3_qkvb.lvd1689m')).toMatchObject({
      epsilon: 1e-5,
      rotary: { pairs: 'halves', positions: 'centred' },
    });
    expect(factsOf('eva02_large_patch14_clip_336.merged2b')).toMatchObject({ rotary: { grid: [16, 16] } });
    expect(factsOf('vit_pe_lang_large_patch14_448.fb')).toMatchObject({ rotary: { grid: 'own' }, finalNorm: 'none' });
    expect(factsOf('vit_base_patch16_rope_224')).toMatchObject({ rotary: { bands: { base: 100, first: 'column' } } });
    expect(factsOf('eva02_enormous_patch14_clip_224')).toMatchObject({ normOrder: 'branch' });
    expect(factsOf('vit_so400m_patch14_reg1_tipsv2.webli')).toMatchObject({ gated: true, headSize: { 1152: 72 } });
    expect(factsOf('eva02_enormous_patch14_clip_224')).not.toHaveProperty('rotary');
  });

  for (const name of [
    'hiera_base_224',
    'vitamin_large_224',
    'fastvit_mci2',
    'samvit_base_patch16',
    'vit_base_patch16_xp_224',
    'naflexvit_base_patch16_parfac_gap',
  ]) {
    test(`${name} is refused`, () => {
      expect(() => readTimmName(name, 'config.json')).toThrow(name);
    });
  }
});
