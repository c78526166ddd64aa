/**
 * Weights of 8 and 4 bits: how far they are from their numbers, that a reader sees what the converter meant, and what is refused.
 */
import { describe, expect, test } from 'vitest';
import { dequantise, I4, I8 } from '../../src/convert/quantise.ts';
import { loadViT } from '../../src/index.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { decodeHalfs, encodeHalfs } from '../../src/weights/half.ts';
import { shardStarts } from '../../src/weights/manifest.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { decodeScaled } from '../../src/weights/scaled-bytes.ts';
import { TensorAssembler } from '../../src/weights/tensor-assembler.ts';
import { convertInMemory, openFixture } from '../harness/checkpoints.ts';
import { outputOf } from '../harness/field.ts';
import { random } from '../harness/random.ts';

const squares = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);

describe('a row', () => {
  test('that is whole numbers of a scale is kept as it is', () => {
    const values = Float32Array.from({ length: 255 }, (_, i) => (i - 127) / 4);
    expect(dequantise(I8.quantise(values, 1))).toEqual(values);
  });

  test('of zeros stays zeros, beside others', () => {
    const values = Float32Array.of(0, 0, 0, 1, -127, 3);
    expect(dequantise(I8.quantise(values, 2))).toEqual(values);
  });

  test('with one large number loses less than by a scale that covers it', () => {
    const values = random(40_000, 3);
    values[7] = 1.25;
    const scale = 1.25 / 127;
    const plain = values.map((value) => Math.round(value / scale) * scale);
    const kept = dequantise(I8.quantise(values, 1));
    expect(squares(kept, values)).toBeLessThan(0.9 * squares(plain, values));
  });

  test('is the same in halves, however small', () => {
    for (const size of [1000, 1, 1e-3, 1e-6, 1e-9]) {
      const kept = dequantise(I8.quantise(random(1000, 11, size), 10));
      expect(decodeHalfs(encodeHalfs(kept))).toEqual(kept);
    }
  });

  test('has its own scale', () => {
    const values = random(64, 5).map((value, i) => value * (i < 32 ? 1 : 1e-4));
    const kept = dequantise(I8.quantise(values, 2));
    for (const row of [0, 1]) {
      const [these, those] = [values, kept].map((all) => all.subarray(32 * row, 32 * row + 32));
      const step = Math.max(...these.map(Math.abs)) / 127;
      for (const [i, value] of these.entries()) expect(Math.abs(those[i] - value)).toBeLessThan(2 * step);
    }
  });
});

describe('a group of 32', () => {
  test('that is whole numbers of a scale is kept as it is, with either sign', () => {
    for (const sign of [1, -1]) {
      const values = Float32Array.from({ length: 64 }, (_, i) => (sign * ((i % 16) - 8)) / 4);
      expect(dequantise(I4.quantise(values, 1))).toEqual(values);
    }
  });

  test('loses less than by the scale that covers what is largest', () => {
    const values = random(32_000, 3);
    const plain = values.map((value, i) => {
      const group = values.subarray(i - (i % 32), i - (i % 32) + 32);
      const scale = Math.max(...group.map(Math.abs)) / 7;
      return Math.round(value / scale) * scale;
    });
    expect(squares(dequantise(I4.quantise(values, 1)), values)).toBeLessThan(0.85 * squares(plain, values));
  });

  test('is the same in halves, however small; of zeros it stays zeros', () => {
    for (const size of [1000, 1, 1e-3, 1e-6, 1e-9, 0]) {
      const quantised = I4.quantise(random(3200, 11, size), 10);
      const kept = dequantise(quantised);
      expect(decodeHalfs(encodeHalfs(kept))).toEqual(kept);
      expect(decodeHalfs(encodeHalfs(quantised.scales))).toEqual(quantised.scales);
      const stored = I4.store(quantised);
      expect(stored.length).toBe(200 + 1600);
      expect(decodeScaled(stored.subarray(200), quantised.scales, 0, 3200, 4)).toEqual(kept);
    }
  });
});

describe.each(['i8', 'i4'] as const)('a model in %s', async (dtype) => {
  // So small that scales and rows go on in the next shard.
  const small = await convertInMemory(await openFixture('timm-vit'), { dtype, shardBytes: 512 });
  const whole = await convertInMemory(await openFixture('timm-vit'), {});
  const { manifest, tensors, files } = small;
  const { depth } = manifest.architecture;

  test('has its matrices in few bits, the rest in halves', () => {
    const of = (dtype: string) =>
      Object.keys(manifest.tensors).filter((name) => manifest.tensors[name].dtype === dtype);
    // Rows of 48 are no whole groups.
    const grouped = of('i4');
    expect(grouped.length).toBe(dtype === 'i4' ? depth : 0);
    expect(grouped.every((name) => name.endsWith('mlp.fc2.weight'))).toBe(true);
    expect(of('i8').length).toBe(4 * depth - grouped.length);
    expect(of('f16')).toEqual(
      expect.arrayContaining(['patch_embed.proj.weight', 'pos_embed', 'norm.weight', 'head.weight']),
    );
    expect(of('f32')).toEqual([]);
  });

  test('is read as it was meant, whatever shards its tensors lie in', () => {
    const read = new Map<string, Float32Array>();
    const assembler = new TensorAssembler(manifest, ({ name, length, first, data }) => {
      if (!read.has(name)) read.set(name, new Float32Array(length));
      read.get(name)!.set(data, first);
    });
    for (const { file } of manifest.shards) assembler.addShard(files.get(file)!);
    expect(read).toEqual(tensors);
    for (const [name, { dtype, shape }] of Object.entries(manifest.tensors)) {
      if (dtype === 'f16') continue;
      const { quantise } = dtype === 'i8' ? I8 : I4;
      expect(read.get(name)).toEqual(dequantise(quantise(whole.tensors.get(name)!, shape[0])));
    }
  });

  test('has no number that GPUs unpack as another one', () => {
    if (dtype === 'i4') return;
    const shards = manifest.shards.map(({ file }) => files.get(file)!.slice());
    const [name, { shard, offset, bytes }] = Object.entries(manifest.tensors).find(
      ([, entry]) => entry.dtype === 'i8',
    )!;
    const starts = shardStarts(manifest.shards);
    const last = starts[shard] + offset + bytes - 1;
    for (const [i, bytes] of shards.entries()) if (last - starts[i] < bytes.length) bytes[last - starts[i]] = 128;
    const assembler = new TensorAssembler(manifest, () => {});
    expect(() => shards.forEach((bytes) => void assembler.addShard(bytes))).toThrow(`${name} has a byte of -128`);
  });

  test('gives what the oracle gives of these numbers, and nearly what it was', async () => {
    const shards = manifest.shards.map(({ file }) => files.get(file)!);
    const vit = await loadViT({ manifest, shards }, { worker: false });
    expect((await vit.selfTest()).passed).toBe(true);
    const shape = [1, 3, ...manifest.architecture.imageSize];
    const data = goldenPixels(7, shape);
    const { logits } = await vit.forward({ data, shape });
    vit.dispose();
    const expected = outputOf(small, 'logits', data, 1);
    const before = outputOf(whole, 'logits', data, 1);
    const off = (others: Float64Array) => Math.max(...logits!.data.map((value, i) => Math.abs(value - others[i])));
    expect(off(expected)).toBeLessThan(1e-4);
    expect(off(before)).toBeLessThan(dtype === 'i8' ? 0.1 : 0.5);
    expect(off(before)).toBeGreaterThan(0);
  });

  const refused = (change: (tensor: { dtype: string; shape: number[]; bytes: number }) => void) => {
    const broken = structuredClone(JSON.parse(new TextDecoder().decode(files.get('model.json'))));
    change(broken.tensors['blocks.0.mlp.fc2.weight']);
    return expect(() => parseManifest(broken, 'model.json'));
  };

  test('is refused without room for its scales', () => {
    refused((tensor) => {
      tensor.bytes -= dtype === 'i8' ? 4 * tensor.shape[0] : 2;
    }).toThrow(`in ${dtype} takes another number`);
  });

  test('is refused where rows are no whole groups', () => {
    const broken = structuredClone(JSON.parse(new TextDecoder().decode(files.get('model.json'))));
    const tensor = broken.tensors['blocks.0.mlp.fc1.weight'];
    Object.assign(tensor, { dtype: 'i4', bytes: (tensor.shape[0] * tensor.shape[1] * 9) / 16 });
    expect(() => parseManifest(broken, 'model.json')).toThrow(/fc1.weight in i4 has rows of no multiple of 32/);
  });
});
