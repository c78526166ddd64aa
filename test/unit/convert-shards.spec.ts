import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { convertCheckpoint } from '../../src/convert/convert.ts';
import { layOutShards, ShardWriter } from '../../src/convert/shards.ts';
import { MemorySink } from '../../src/convert/sink.ts';
import { convertInMemory, ENOUGH, openFixture } from '../harness/checkpoints.ts';
import { withTimmAnswers } from '../harness/timm-answers.ts';

const SHAPES = new Map([
  ['a', [100]], // 400 bytes from 0
  ['b', [3, 100]], // 1200 bytes from 512
  ['c', [1]], // 4 bytes from 1792
]);

describe('the layout', () => {
  test('lays tensors end to end at multiples of 256 and cuts that into shards', () => {
    const { tensors, shards } = layOutShards(SHAPES, 'f32', 768);
    expect(tensors).toEqual({
      a: { dtype: 'f32', shape: [100], shard: 0, offset: 0, bytes: 400 },
      b: { dtype: 'f32', shape: [3, 100], shard: 0, offset: 512, bytes: 1200 },
      c: { dtype: 'f32', shape: [1], shard: 2, offset: 256, bytes: 4 },
    });
    expect(shards).toEqual([768, 768, 260]);
  });

  test('a tensor that would begin at the very end begins the next shard', () => {
    const { tensors, shards } = layOutShards(
      new Map([
        ['a', [64]],
        ['b', [1]],
      ]),
      'f32',
      256,
    );
    expect(tensors.b).toMatchObject({ shard: 1, offset: 0 });
    expect(shards).toEqual([256, 4]);
  });

  test('halves the bytes with f16', () => {
    expect(layOutShards(SHAPES, 'f16', 2 ** 20).shards).toEqual([256 + 768 + 2]);
  });

  for (const size of [0, 100, 255, 300, -256, 256.5, Number.NaN]) {
    test(`refuses shards of ${size} bytes`, () => {
      expect(() => layOutShards(SHAPES, 'f32', size)).toThrow(`multiple of 256 bytes, not ${size}`);
    });
  }
});

test('the writer hands each shard over as soon as it is full, with its hash', async () => {
  const sink = new MemorySink();
  const layout = layOutShards(SHAPES, 'f32', 768);
  const writer = new ShardWriter(layout, sink);
  await writer.add('a', new Uint8Array(400).fill(1));
  expect([...sink.files.keys()]).toEqual([]);
  await writer.add('b', new Uint8Array(1200).fill(2));
  expect([...sink.files.keys()]).toEqual(['shard-00001-of-00003.bin', 'shard-00002-of-00003.bin']);
  await writer.add('c', new Uint8Array(4).fill(3));
  const shards = await writer.finish();

  const stream = new Uint8Array(768 * 2 + 260);
  stream.fill(1, 0, 400).fill(2, 512, 1712).fill(3, 1792, 1796);
  expect(shards.map(({ bytes }) => bytes)).toEqual([768, 768, 260]);
  for (const [i, { file, bytes, sha256 }] of shards.entries()) {
    const expected = stream.slice(768 * i, 768 * i + bytes);
    expect(sink.files.get(file)).toEqual(expected);
    expect(sha256).toBe(createHash('sha256').update(expected).digest('hex'));
  }
});

test('a shard of more than 512 KiB has hashes of its pieces, too', async () => {
  const layout = layOutShards(new Map([['a', [300_000]]]), 'f32', 2 ** 20);
  const writer = new ShardWriter(layout, new MemorySink());
  const bytes = Uint8Array.from({ length: 1_200_000 }, (_, i) => i % 251);
  await writer.add('a', bytes);
  const hash = (from: number, to: number) => createHash('sha256').update(bytes.subarray(from, to)).digest('hex');
  expect(await writer.finish()).toEqual([
    {
      file: 'shard-00001-of-00002.bin',
      bytes: 2 ** 20,
      sha256: hash(0, 2 ** 20),
      pieces: { bytes: 2 ** 19, sha256: [hash(0, 2 ** 19), hash(2 ** 19, 2 ** 20)] },
    },
    { file: 'shard-00002-of-00002.bin', bytes: 1_200_000 - 2 ** 20, sha256: hash(2 ** 20, 1_200_000) },
  ]);
});

describe('a whole model', () => {
  for (const shardBytes of [256, 8192, 2 ** 23]) {
    test(`comes back bit for bit from shards of ${shardBytes} bytes`, async () => {
      const checkpoint = await openFixture('timm-vit');
      const { manifest, tensors, files } = await convertInMemory(checkpoint, { shardBytes });
      for (const name of checkpoint.tensors.keys()) expect(tensors.get(name)).toEqual(await checkpoint.read(name));
      expect(tensors.size).toBe(checkpoint.tensors.size);
      for (const { offset } of Object.values(manifest.tensors)) expect(offset % 256).toBe(0);
      expect(manifest.shards.slice(0, -1).every(({ bytes }) => bytes === shardBytes)).toBe(true);
      for (const { file, bytes, sha256 } of manifest.shards) {
        expect(files.get(file)).toHaveLength(bytes);
        expect(createHash('sha256').update(files.get(file)!).digest('hex')).toBe(sha256);
      }
    });
  }

  test('a last tensor that fills its shard leaves no empty one behind', async () => {
    const sink = new MemorySink();
    const writer = new ShardWriter(layOutShards(new Map([['a', [128]]]), 'f32', 256), sink);
    await writer.add('a', new Uint8Array(512));
    expect(await writer.finish()).toHaveLength(2);
    expect(sink.files.size).toBe(2);
  });

  test('in f16 each number is within half a step of its own, and the golden is of the rounded ones', async () => {
    const checkpoint = await openFixture('timm-vit');
    const exact = await convertInMemory(checkpoint);
    const rounded = await convertInMemory(checkpoint, { dtype: 'f16' });
    for (const [name, values] of exact.tensors) {
      const halves = rounded.tensors.get(name)!;
      for (const [i, value] of values.entries()) {
        // Half a step is 2^-11 of the number, or 2^-25 where halves are subnormal.
        expect(Math.abs(halves[i] - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
      }
    }
    const [a, b] = [exact.manifest.golden.logits, rounded.manifest.golden.logits];
    expect(a).toHaveLength(7);
    expect(a).not.toEqual(b);
    for (const [i, logit] of a.entries()) expect(Math.abs(logit - b[i])).toBeLessThan(0.01);
  });

  test('shards leave while tensors are still read', async () => {
    const events: string[] = [];
    const checkpoint = await openFixture('timm-vit');
    const watched = {
      ...checkpoint,
      read(name: string) {
        events.push('read');
        return checkpoint.read(name);
      },
    };
    const sink = { write: async (file: string) => void events.push(file) };
    await convertCheckpoint(watched, sink, withTimmAnswers(checkpoint, { ...ENOUGH, shardBytes: 16384 }));
    const first = events.findIndex((event) => event.startsWith('shard'));
    expect(events.slice(first).filter((event) => event === 'read').length).toBeGreaterThan(10);
    expect(events.at(-1)).toBe('model.json');
  });

  test('the same checkpoint gives the same bytes', async () => {
    const convert = async () => (await convertInMemory(await openFixture('timm-vit'), { dtype: 'f16' })).files;
    expect(await convert()).toEqual(await convert());
  });
});
