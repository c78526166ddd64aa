import { describe, expect, test } from 'vitest';
import { familyOf } from '../../src/convert/families/index.ts';
import { tensorShapes } from '../../src/model/tensors.ts';
import { addTensors, convertInMemory, fixtureJson, openFixture, renameTensors } from '../harness/checkpoints.ts';

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

describe('canonical names', () => {
  for (const family of ['timm-vit', 'hf-vit']) {
    test(`${family}: every tensor of the architecture, and no other`, async () => {
      const options = family === 'hf-vit' ? { config: CONFIG } : {};
      const { manifest } = await convertInMemory(await openFixture(family), options);
      const shapes = Object.entries(manifest.tensors).map(([name, { shape }]) => [name, shape]);
      expect(Object.fromEntries(shapes)).toEqual(Object.fromEntries(tensorShapes(manifest.architecture)));
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
    const { tensors, files } = await convertInMemory(huggingFace, { config: CONFIG });
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
    const shards = (of: typeof files) => [...of].filter(([name]) => name.startsWith('shard'));
    expect(shards(again.files)).toEqual(shards(files));
    expect(again.manifest.golden).toEqual((await convertInMemory(huggingFace, { config: CONFIG })).manifest.golden);
  });

  test('names without prefix and names in memory give the same files as those on disk', async () => {
    const onDisk = await openFixture('hf-vit');
    const { files } = await convertInMemory(onDisk, { config: CONFIG });
    const bare = renameTensors(onDisk, (name) => name.replace(/^vit\./, ''));
    const inMemory = renameTensors(onDisk, inMemoryName);
    expect([...inMemory.tensors.keys()]).toContain('vit.layers.0.attention.q_proj.weight');
    expect([...inMemory.tensors.keys()]).toContain('vit.layers.0.mlp.fc2.bias');
    for (const checkpoint of [bare, inMemory]) {
      expect((await convertInMemory(checkpoint, { config: CONFIG })).files).toEqual(files);
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
  const shape = tensorShapes({
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
  }).get(name)!;
  expect(tensors.get(name)).toHaveLength(shape.reduce((a, b) => a * b, 1));
  return shape;
}

describe('the layout', () => {
  test('is told from the names', () => {
    expect(familyOf(['blocks.0.attn.qkv.weight', 'patch_embed.proj.weight']).layout).toBe('timm');
    const names = ['deit.embeddings.cls_token', 'deit.embeddings.patch_embeddings.projection.weight'];
    expect(familyOf(names).layout).toBe('hf');
  });

  test('that nothing fits is refused with some of the names', () => {
    expect(() => familyOf(['conv_proj.weight', 'class_token'])).toThrow(/no layout .*: conv_proj\.weight, class_token/);
    expect(() => familyOf([])).toThrow('no layout');
  });

  test('may be given, and must be one that is known', async () => {
    expect(familyOf([], 'hf').layout).toBe('hf');
    expect(() => familyOf([], 'keras')).toThrow('There is no layout keras. Give --layout auto, timm or hf.');
    await expect(convertInMemory(await openFixture('timm-vit'), { layout: 'hf' })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('embeddings.patch_embeddings.projection.weight'),
    });
  });
});

describe('what this version cannot run is refused, naming the tensor', () => {
  const timm: Record<string, [shape: number[], feature: string]> = {
    dist_token: [[1, 1, 48], 'a distillation token'],
    'head_dist.weight': [[7, 48], 'a distillation head'],
    reg_token: [[1, 4, 48], 'register tokens'],
    'norm_pre.weight': [[48], 'a norm before the blocks'],
    'patch_embed.norm.weight': [[48], 'a norm of the patches'],
    'blocks.1.ls1.gamma': [[48], 'layer scale'],
    'blocks.1.gamma_2': [[48], 'layer scale'],
    'blocks.0.attn.q_norm.weight': [[16], 'a norm of Q and K'],
    'blocks.0.attn.q_bias': [[48], 'no bias of K'],
    'blocks.0.attn.relative_position_bias_table': [[52, 3], 'a relative position bias'],
    'rel_pos_bias.relative_position_bias_table': [[52, 3], 'a relative position bias'],
    'blocks.0.mlp.w12.weight': [[256, 48], 'SwiGLU'],
    'fc_norm.weight': [[48], 'pooling by average'],
    'attn_pool.latent': [[1, 1, 48], 'pooling by attention'],
    'pre_logits.fc.weight': [[20, 48], 'a representation layer'],
  };
  for (const [name, [shape, feature]] of Object.entries(timm)) {
    test(`timm: ${name}`, async () => {
      const converting = convertInMemory(addTensors(await openFixture('timm-vit'), { [name]: shape }));
      await expect(converting).rejects.toMatchObject({ code: 'unsupported-model' });
      await expect(converting).rejects.toThrow(new RegExp(`${feature}.*: ${name}`));
    });
  }

  const huggingFace: Record<string, [shape: number[], feature: string]> = {
    'vit.embeddings.distillation_token': [[1, 1, 48], 'a distillation token'],
    'vit.embeddings.register_tokens': [[1, 4, 48], 'register tokens'],
    'vit.encoder.layer.0.lambda_1': [[48], 'layer scale'],
    'vit.encoder.layer.0.layer_scale1.lambda1': [[48], 'layer scale'],
    'vit.encoder.layer.0.mlp.weights_in.weight': [[256, 48], 'SwiGLU'],
    'vit.pooler.layernorm.weight': [[48], 'pooling by average'],
  };
  for (const [name, [shape, feature]] of Object.entries(huggingFace)) {
    test(`Hugging Face: ${name}`, async () => {
      const converting = convertInMemory(addTensors(await openFixture('hf-vit'), { [name]: shape }), {
        config: CONFIG,
      });
      await expect(converting).rejects.toMatchObject({ code: 'unsupported-model' });
      await expect(converting).rejects.toThrow(`${feature}: ${name}`);
    });
  }

  const missing: Record<string, [family: string, gone: RegExp, named: string]> = {
    'a class token': ['timm-vit', /^cls_token$/, 'has no cls_token'],
    'a position embedding': ['timm-vit', /^pos_embed$/, 'has no pos_embed'],
    'a head': ['timm-vit', /^head\./, 'has no head.weight'],
    'a classifier, under its own name': ['hf-vit', /^classifier\./, 'has no classifier.weight'],
    'biases of Q, K and V': ['timm-vit', /qkv\.bias/, 'has no blocks.0.attn.qkv.bias, blocks.1.attn.qkv.bias'],
    'the bias of K': ['hf-vit', /0.*key\.bias/, 'has no vit.encoder.layer.0.attention.attention.key.bias'],
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
});

describe('tensors nobody knows', () => {
  const unknown = { 'adapter.down.weight': [4, 48], 'blocks.0.attn.gate': [3] };

  test('are refused, all of them by name', async () => {
    const converting = convertInMemory(addTensors(await openFixture('timm-vit'), unknown));
    await expect(converting).rejects.toMatchObject({ code: 'unsupported-model' });
    await expect(converting).rejects.toThrow('adapter.down.weight, blocks.0.attn.gate. If the model gives the same');
  });

  test('are left out when told to', async () => {
    const plain = await openFixture('timm-vit');
    const ignore = Object.keys(unknown);
    const { files } = await convertInMemory(addTensors(plain, unknown), { ignore });
    expect(files).toEqual((await convertInMemory(plain)).files);
    await expect(convertInMemory(plain, { ignore })).rejects.toThrow(
      'the checkpoint has no tensor adapter.down.weight',
    );
  });

  test('include surplus ones of known modules', async () => {
    const converting = convertInMemory(addTensors(await openFixture('timm-vit'), { 'norm.running_mean': [48] }));
    await expect(converting).rejects.toThrow('norm.running_mean');
  });
});

describe('tensors that contradict each other', () => {
  test('a wrong shape is told with the right one', async () => {
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
