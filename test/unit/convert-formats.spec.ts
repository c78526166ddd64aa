import { describe, expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import type { Checkpoint } from '../../src/convert/checkpoint.ts';
import { requireReal } from '../../src/convert/elements.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { safetensorsFile } from '../harness/checkpoints.ts';
import { checkpointBytes, openBytes, openFile, tensorPickle, torchFile, zipFile } from '../harness/formats.ts';

function isReal({ dtype }: { dtype: string }): boolean {
  try {
    requireReal('', dtype);
    return true;
  } catch {
    return false;
  }
}

/** Every tensor of `expected` is in `checkpoint`, with its shape, type and every bit. */
async function expectSameTensors(checkpoint: Checkpoint, expected: Checkpoint): Promise<void> {
  const names = [...expected.tensors.keys()].sort();
  expect([...checkpoint.tensors.keys()].sort()).toEqual(names);
  for (const name of names) {
    const { shape, dtype, bytes } = expected.tensors.get(name)!;
    const tensor = checkpoint.tensors.get(name)!;
    expect([name, tensor.dtype, [...tensor.shape], tensor.bytes]).toEqual([name, dtype, shape, bytes]);
    if (!isReal(tensor)) {
      await expect(checkpoint.read(name)).rejects.toThrow(`${name} is stored as ${dtype}`);
      continue;
    }
    const [actual, wanted] = [await checkpoint.read(name), await expected.read(name)];
    expect(new Uint32Array(actual.buffer), name).toEqual(new Uint32Array(wanted.buffer));
  }
}

describe('what torch.save and NumPy write', () => {
  test.each([
    ['views.pt', 'PyTorch', 'views.safetensors'],
    ['views-protocol4.bin', 'PyTorch', 'views.safetensors'],
    ['scripted.pt', 'TorchScript', 'scripted.safetensors'],
    ['arrays.npz', 'NumPy npz', 'arrays.safetensors'],
    ['arrays-deflated.npz', 'NumPy npz', 'arrays.safetensors'],
    ['vit.npz', 'NumPy npz', 'vit.safetensors'],
  ])('%s has the tensors of its .safetensors, bit for bit', async (file, format, expected) => {
    const checkpoint = await openFile(file);
    expect(checkpoint.format).toBe(format);
    await expectSameTensors(checkpoint, await openFile(expected));
  });

  test('a training checkpoint: the tensors of its nested dicts, by their paths, and no more', async () => {
    const checkpoint = await openFile('vit-training.pth');
    const names = [...checkpoint.tensors.keys()];
    expect(names).toContain('model.module.blocks.0.attn.qkv.weight');
    expect(names.filter((name) => !name.startsWith('model.'))).toEqual([
      'optimizer.state.0.step',
      'optimizer.state.0.exp_avg',
      'optimizer.state.0.exp_avg_sq',
    ]);
    const bare = await openFile('vit.safetensors');
    expect(await checkpoint.read('model.module.head.weight')).toEqual(await bare.read('head.weight'));
  });

  test('an array with a header of version 2', async () => {
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".padEnd(116);
    const npy = Buffer.concat([
      Buffer.from('\x93NUMPY\x02\x00', 'latin1'),
      Buffer.from(Uint32Array.of(header.length).buffer),
      Buffer.from(header, 'latin1'),
      Buffer.from(Float32Array.of(1, -2).buffer),
    ]);
    const checkpoint = await openBytes(await zipFile({ 'a/b.npy': npy }));
    expect([...(await checkpoint.read('a/b'))]).toEqual([1, -2]);
  });

  test('a storage that somebody deflated', async () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const members = {
      'x/data.pkl': tensorPickle({ shape: [2, 2], strides: [1, 2] }),
      'x/data/0': new Uint8Array(values.buffer),
    };
    const checkpoint = await openBytes(await zipFile(members, true));
    expect([...(await checkpoint.read('w'))]).toEqual([1, 3, 2, 4]);
  });

  test('a view that begins within its storage', async () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const pickle = tensorPickle({ offset: 1, shape: [2], strides: [2] });
    const checkpoint = await openBytes(await torchFile(pickle, { 0: new Uint8Array(values.buffer) }));
    expect([...(await checkpoint.read('w'))]).toEqual([2, 4]);
  });
});

describe('a checkpoint in several files', () => {
  const entry = (begin: number, ...values: number[]) => ({
    header: { dtype: 'F32', shape: [values.length], data_offsets: [begin, begin + 4 * values.length] },
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  });
  const one = entry(0, 1, 2);
  const two = entry(0, 3);
  const files: Record<string, Uint8Array> = {
    'model-00001-of-00002.safetensors': safetensorsFile({ a: one.header }, one.bytes),
    'model-00002-of-00002.safetensors': safetensorsFile({ b: two.header }, two.bytes),
  };
  const [first, second] = Object.keys(files);

  const open = (weightMap: unknown, parts = files) =>
    openCheckpoint(
      bytesSource(
        new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 12 }, weight_map: weightMap }, null, 2)),
      ),
      async (file) => {
        if (!Object.hasOwn(parts, file)) throw new Error(`There is no ${file}`);
        return bytesSource(parts[file]);
      },
    );

  test('is read as one', async () => {
    const checkpoint = await open({ b: second, a: first });
    expect(checkpoint.format).toBe('safetensors in 2 files');
    expect([...(await checkpoint.read('a')), ...(await checkpoint.read('b'))]).toEqual([1, 2, 3]);
    await expect(checkpoint.read('c')).rejects.toThrow('there is no tensor c');
  });

  test('may be of PyTorch', async () => {
    const part = await torchFile(tensorPickle({}), { 0: new Uint8Array(16) });
    const checkpoint = await open(
      { w: 'pytorch_model-00001-of-00001.bin' },
      { 'pytorch_model-00001-of-00001.bin': part },
    );
    expect(checkpoint.tensors.get('w')?.shape).toEqual([4]);
  });

  test.each([
    ['a tensor that its part lacks', { a: first, b: first }, `${first} has no b`],
    ['a tensor that only a part has', { a: first, b: second, c: second }, `${second} has no c`],
    ['one that the index leaves out', { b: second, a: second }, `${second} has no a`],
    ['a path that leaves the folder', { a: '../a.safetensors' }, '"../a.safetensors" as the file of a'],
    ['another index', { a: 'model.safetensors.index.json' }, 'another index'],
    ['no tensors', {}, 'weight_map of the index is empty'],
    ['no map', undefined, 'has no weight_map'],
    ['a number', { a: 1 }, 'a must be a string, not 1'],
  ])('%s is named', async (_, weightMap, message) => {
    await expect(open(weightMap)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
    });
  });

  test('a tensor that the index leaves out is named', async () => {
    const both = safetensorsFile({ a: one.header, z: { ...two.header, data_offsets: [8, 12] } }, new Uint8Array(12));
    await expect(open({ a: first }, { [first]: both })).rejects.toThrow(`${first} has z, which the index does not say`);
  });

  test('a broken part is named', async () => {
    const parts = { ...files, [second]: files[second].slice(0, -1) };
    await expect(open({ a: first, b: second }, parts)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/^model-00002-of-00002\.safetensors, which the index names: .*b ends at byte/),
    });
  });

  test('cannot be opened without its folder', async () => {
    await expect(openBytes(new TextEncoder().encode('{"weight_map": {}}'))).rejects.toThrow('by its index alone');
  });

  test('an index that is not JSON is reported as such', async () => {
    await expect(
      openCheckpoint(bytesSource(new TextEncoder().encode('{"weight_map": ')), async () =>
        bytesSource(new Uint8Array()),
      ),
    ).rejects.toThrow('index of the checkpoint is not JSON');
  });
});

test('the fixtures are a few kilobytes each', () => {
  expect(checkpointBytes('vit-dino.pth').length).toBeLessThan(32_768);
});
