/**
 * Weights of 8 bits: how far they are from their numbers, that a reader sees what the converter meant, and what is refused.
 */
import { describe, expect, test } from 'vitest';
import { dequantise, quantise } from '../../src/convert/quantise.ts';
import { loadViT } from '../../src/index.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { decodeHalfs, encodeHalfs } from '../../src/weights/half.ts';
import { parseManifest } from '../../src/weights/parse-manifest.ts';
import { TensorAssembler } from '../../src/weights/tensor-assembler.ts';
import { convertInMemory, openFixture } from '../harness/checkpoints.ts';
import { outputOf } from '../harness/field.ts';
import { random } from '../harness/random.ts';

const squares = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);

describe('a row', () => {
  test('that is whole numbers of a scale is kept as it is', () => {
    const values = Float32Array.from({ length: 255 }, (_, i) => (i - 127) / 4);
    expect(dequantise(quantise(values, 1))).toEqual(values);
  });

  test('of zeros stays zeros, beside others', () => {
    const values = Float32Array.of(0, 0, 0, 1, -127, 3);
    expect(dequantise(quantise(values, 2))).toEqual(values);
  });

  test('with one large number loses less than by a scale that covers it', () => {
    const values = random(40_000, 3);
    values[7] = 1.25;
    const scale = 1.25 / 127;
    const plain = values.map((value) => Math.round(value / scale) * scale);
    const kept = dequantise(quantise(values, 1));
    expect(squares(kept, values)).toBeLessThan(0.9 * squares(plain, values));
  });

  test('is the same in halves, however small', () => {
    for (const size of [1000, 1, 1e-3, 1e-6, 1e-9]) {
      const kept = dequantise(quantise(random(1000, 11, size), 10));
      expect(decodeHalfs(encodeHalfs(kept))).toEqual(kept);
    }
  });

  test('has its own scale', () => {
    const values = random(64, 5).map((value, i) => value * (i < 32 ? 1 : 1e-4));
    const kept = dequantise(quantise(values, 2));
    for (const row of [0, 1]) {
      const [these, those] = [values, kept].map((all) => all.subarray(32 * row, 32 * row + 32));
      const step = Math.max(...these.map(Math.abs)) / 127;
      for (const [i, value] of these.entries()) expect(Math.abs(those[i] - value)).toBeLessThan(2 * step);
    }
  });
});

describe('a model', async () => {
  // So small that scales and rows go on in the next shard.
  const eight = await convertInMemory(await openFixture('timm-vit'), { dtype: 'i8', shardBytes: 512 });
  const whole = await convertInMemory(await openFixture('timm-vit'), {});
  const { manifest, tensors, files } = eight;

  test('has its matrices in 8 bits, the rest in halves', () => {
    const of = (dtype: string) =>
      Object.keys(manifest.tensors).filter((name) => manifest.tensors[name].dtype === dtype);
    expect(of('i8').length).toBe(4 * manifest.architecture.depth);
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
      if (dtype === 'i8') expect(read.get(name)).toEqual(dequantise(quantise(whole.tensors.get(name)!, shape[0])));
    }
  });

  test('gives what the oracle gives of these numbers, and nearly what it was', async () => {
    const shards = manifest.shards.map(({ file }) => files.get(file)!);
    const vit = await loadViT({ manifest, shards }, { worker: false });
    expect((await vit.selfTest()).passed).toBe(true);
    const shape = [1, 3, ...manifest.architecture.imageSize];
    const data = goldenPixels(7, shape);
    const { logits } = await vit.forward({ data, shape });
    vit.dispose();
    const expected = outputOf(eight, 'logits', data, 1);
    const before = outputOf(whole, 'logits', data, 1);
    const off = (others: Float64Array) => Math.max(...logits!.data.map((value, i) => Math.abs(value - others[i])));
    expect(off(expected)).toBeLessThan(1e-4);
    expect(off(before)).toBeLessThan(0.1);
    expect(off(before)).toBeGreaterThan(0);
  });

  test('is refused without room for its scales', () => {
    const broken = structuredClone(JSON.parse(new TextDecoder().decode(files.get('model.json'))));
    const name = Object.keys(broken.tensors).find((key) => broken.tensors[key].dtype === 'i8')!;
    broken.tensors[name].bytes -= 4 * broken.tensors[name].shape[0];
    expect(() => parseManifest(broken, 'model.json')).toThrow(/in i8 takes another number/);
  });
});
