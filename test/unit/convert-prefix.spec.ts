import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import type { Finding } from '../../src/convert/decisions.ts';
import { unwrap } from '../../src/convert/prefix.ts';
import { addTensors, convertInMemory, renameTensors } from '../harness/checkpoints.ts';
import { openFile } from '../harness/formats.ts';

const bare = await openFile('vit.safetensors');

/** Enough for the tiny ViT of the fixtures. */
const OPTIONS = {
  heads: 2,
  preprocess: {
    resize: { mode: 'squash' as const, height: 8, width: 8 },
    filter: 'bilinear' as const,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
};

const under = (prefix: string, checkpoint: Checkpoint = bare) => renameTensors(checkpoint, (name) => prefix + name);

async function shards(checkpoint: Checkpoint, options: object = {}): Promise<Uint8Array[]> {
  const { manifest, files } = await convertInMemory(checkpoint, { ...OPTIONS, ...options });
  return manifest.shards.map(({ file }) => files.get(file)!);
}

describe('what stands before the names is stripped, and said', () => {
  test.each([
    'module.',
    'model.',
    'state_dict.',
    'state_dict.module.',
    'teacher.backbone.',
    'model_ema.',
    'net.encoder.',
  ])('%s', async (prefix) => {
    const findings: Finding[] = [];
    const options = { onFindings: (found: Finding[]) => findings.push(...found) };
    expect(await shards(under(prefix), options)).toEqual(await shards(bare));
    expect(findings).toContainEqual({ what: 'prefix', value: prefix, why: 'names of the tensors' });
  });

  test('nothing is said where nothing stands', () => {
    expect(unwrap(bare, {})).toEqual({ checkpoint: bare, prefix: '', why: '' });
  });

  test('the names of transformers keep the prefix that their classifier lacks', () => {
    const renamed = renameTensors(bare, (name) => {
      if (name === 'patch_embed.proj.weight') return 'model.vit.embeddings.patch_embeddings.projection.weight';
      if (name === 'cls_token') return 'model.vit.embeddings.cls_token';
      if (name === 'norm.weight') return 'model.vit.encoder.layer.0.attention.attention.query.weight';
      return name === 'head.weight' ? 'model.classifier.weight' : undefined;
    });
    expect(unwrap(renamed, {}).prefix).toBe('model.');
  });
});

describe('what training leaves beside a model', () => {
  test.each([
    ['vit-training.pth', 'model.module.', 'names of the tensors; left out: 3 of optimizer'],
    [
      'vit-dino.pth',
      'teacher.backbone.',
      'names of the tensors; the other model has the prefix student.module.backbone.; left out: 20 of student, 1 of teacher',
    ],
  ])('%s', async (file, prefix, why) => {
    const checkpoint = await openFile(file);
    const unwrapped = unwrap(checkpoint, {});
    expect([unwrapped.prefix, unwrapped.why]).toEqual([prefix, why]);
    expect(await shards(checkpoint)).toEqual(await shards(bare));
  });

  test('the averaged weights are preferred, as libraries evaluate them', () => {
    const both = { ...bare, tensors: new Map([...under('model.').tensors, ...under('model_ema.').tensors]) };
    expect(unwrap(both, {}).prefix).toBe('model_ema.');
    expect(unwrap(both, { prefix: 'model.' })).toMatchObject({
      prefix: 'model.',
      why: 'given; left out: 20 of model_ema',
    });
  });

  test('of two models of equal rank, one is asked for', () => {
    const both = { ...bare, tensors: new Map([...under('left.').tensors, ...under('right.').tensors]) };
    expect(() => unwrap(both, {})).toThrow('holds 2 models: below left. and right.');
  });

  test('what training does not leave there is refused, unless the prefix is given', async () => {
    const strange = addTensors(under('backbone.'), { 'decode_head.weight': [2, 2] });
    expect(() => unwrap(strange, {})).toThrow('beside it there are 1 of decode_head. They can be left out');
    expect(await shards(strange, { prefix: 'backbone.' })).toEqual(await shards(bare));
  });

  test('a prefix that is not there is named, with those that are', () => {
    expect(() => unwrap(under('a.b.'), { prefix: 'c.' })).toThrow(
      "No tensor's name begins with c.. There are 20 of a.",
    );
  });
});

describe('what is no ViT', () => {
  test.each([
    ['resnet.pt', 'conv1.weight, bn1.weight, bn1.bias, bn1.running_mean'],
    ['lstm.pt', 'weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0'],
  ])('%s is refused by its names', async (file, names) => {
    await expect(shards(await openFile(file))).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(names),
    });
  });
});

test('every format of the same model gives the same shards', async () => {
  expect(await shards(await openFile('vit.npz'))).toEqual(await shards(bare));
});
