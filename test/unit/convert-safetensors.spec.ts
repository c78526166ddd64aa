import { describe, expect, test } from 'vitest';
import { blobSource, bytesSource } from '../../src/convert/byte-source.ts';
import { openCheckpoint } from '../../src/convert/open-checkpoint.ts';
import { openSafetensors } from '../../src/convert/safetensors.ts';
import { fixtureJson, openFixture, safetensorsFile } from '../harness/checkpoints.ts';

const open = (bytes: Uint8Array) => openSafetensors(bytesSource(bytes));

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('numbers', () => {
  test('f32, f16, bf16 and f64 give the same values', async () => {
    const data = new DataView(new ArrayBuffer(36));
    data.setFloat64(0, -1.5, true);
    data.setFloat64(8, 0.1, true);
    data.setFloat32(16, -1.5, true);
    data.setFloat32(20, 0.1, true);
    data.setUint16(24, 0xbe00, true); // -1.5 as f16
    data.setUint16(26, 0x2e66, true); // the half next to 0.1
    data.setUint16(28, 0xbfc0, true); // -1.5 as bf16
    data.setUint16(30, 0x3dcd, true); // the bf16 next to 0.1
    data.setUint32(32, 7, true);
    const header = {
      __metadata__: { format: 'pt' },
      a: entry('F64', [2], 0, 16),
      b: entry('F32', [1, 2], 16, 24),
      c: entry('F16', [2, 1], 24, 28),
      d: entry('BF16', [2], 28, 32),
      e: entry('I32', [], 32, 36),
    };
    const checkpoint = await open(safetensorsFile(header, new Uint8Array(data.buffer)));

    expect(checkpoint.tensors.get('c')).toMatchObject({ dtype: 'f16', shape: [2, 1], bytes: 4 });
    expect(checkpoint.tensors.has('__metadata__')).toBe(false);
    expect([...(await checkpoint.read('a'))]).toEqual([-1.5, Math.fround(0.1)]);
    expect([...(await checkpoint.read('b'))]).toEqual([-1.5, Math.fround(0.1)]);
    expect([...(await checkpoint.read('c'))]).toEqual([-1.5, 0.0999755859375]);
    expect([...(await checkpoint.read('d'))]).toEqual([-1.5, 0.10009765625]);
    await expect(checkpoint.read('e')).rejects.toThrow('e is stored as i32; f64, f32, f16 and bf16 can be read');
    await expect(checkpoint.read('f')).rejects.toThrow('there is no tensor f');
  });

  test('a header whose length is odd, as old writers leave it, misaligns nothing', async () => {
    const data = new Uint8Array(Float32Array.of(3, 4).buffer);
    const header = JSON.stringify({ a: entry('F32', [2], 0, 8) });
    for (const padding of ['', ' ', '  ', '   ']) {
      const checkpoint = await open(safetensorsFile(header + padding, data));
      expect([...(await checkpoint.read('a'))]).toEqual([3, 4]);
    }
  });

  test('tensors without elements are read as such and overlap nothing', async () => {
    const header = { a: entry('F32', [0, 4], 0, 0), b: entry('F32', [1], 0, 4), c: entry('F32', [0], 4, 4) };
    const checkpoint = await open(safetensorsFile(header, new Uint8Array(4)));
    expect(await checkpoint.read('a')).toHaveLength(0);
  });

  test('a blob is read by ranges like bytes are', async () => {
    const data = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    const file = safetensorsFile({ a: entry('F32', [1], 0, 4), b: entry('F32', [2], 4, 12) }, data);
    const checkpoint = await openSafetensors(blobSource(new Blob([file])));
    expect([...(await checkpoint.read('b'))]).toEqual([2, 3]);
  });

  test('a file that transformers wrote', async () => {
    const checkpoint = await openFixture('hf-vit');
    const { hidden_size } = fixtureJson('hf-vit/config.json');
    expect(checkpoint.tensors.get('vit.embeddings.cls_token')?.shape).toEqual([1, 1, hidden_size]);
    const bias = await checkpoint.read('classifier.bias');
    expect(bias.every((value) => Number.isFinite(value) && Math.abs(value) < 10)).toBe(true);
  });
});

describe('what is refused', () => {
  const data = new Uint8Array(16);
  const broken: Record<string, [file: Uint8Array, message: string]> = {
    'an empty file': [new Uint8Array(), '0 bytes'],
    'a file that ends within the length': [new Uint8Array(5), '5 bytes'],
    'a header longer than the file': [safetensorsFile('{}').slice(0, 9), 'should have 2 bytes'],
    'a header of 2^63 bytes': [Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123), 'should have 9223372036854775808 bytes'],
    'a header that is not JSON': [safetensorsFile('{"a":'), 'its header is not JSON'],
    'a header that is not UTF-8': [safetensorsFile('{"a":1}').fill(0xff, 10, 11), 'its header is not JSON'],
    'a header that is a list': [safetensorsFile('[]'), 'its header is not a JSON object'],
    'an entry that is no object': [safetensorsFile({ a: 1 }), 'a: its entry is not a JSON object'],
    'an unknown dtype': [safetensorsFile({ a: entry('F31', [1], 0, 4) }, data), 'a: unknown dtype "F31"'],
    'the dtype "constructor"': [safetensorsFile({ a: entry('constructor', [1], 0, 4) }, data), 'unknown dtype'],
    'a negative size': [safetensorsFile({ a: entry('F32', [-1], 0, 4) }, data), 'a: its shape is [-1]'],
    'a fractional size': [safetensorsFile({ a: entry('F32', [0.5], 0, 2) }, data), 'a: its shape is [0.5]'],
    'no shape': [safetensorsFile({ a: { dtype: 'F32', data_offsets: [0, 4] } }, data), 'a: its shape is undefined'],
    'offsets that run backwards': [safetensorsFile({ a: entry('F32', [1], 8, 4) }, data), 'data_offsets are [8,4]'],
    'one offset': [
      safetensorsFile({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, data),
      'data_offsets are [0]',
    ],
    'a tensor past the end': [
      safetensorsFile({ a: entry('F32', [5], 0, 20) }, data),
      'it was not downloaded completely.',
    ],
    'too many bytes for the shape': [safetensorsFile({ a: entry('F32', [3], 0, 16) }, data), 'takes 12 bytes'],
    'too few bytes for the shape': [safetensorsFile({ a: entry('F16', [3], 0, 4) }, data), 'takes 6 bytes'],
    'overlapping tensors': [
      safetensorsFile({ a: entry('F32', [2], 4, 12), b: entry('F32', [2], 0, 8) }, data),
      'the data of b and a overlap',
    ],
  };
  for (const [name, [file, message]] of Object.entries(broken)) {
    test(name, async () => {
      await expect(open(file)).rejects.toMatchObject({ code: 'bad-input', message: expect.stringContaining(message) });
    });
  }

  test('other formats, by their names', async () => {
    const openBytes = (...bytes: number[]) => openCheckpoint(bytesSource(Uint8Array.from(bytes)));
    await expect(openBytes(0x89, 0x48, 0x44, 0x46)).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringMatching(/HDF5, as Keras writes it; safetensors, PyTorch .* can be read.*numpy\.savez/),
    });
    await expect(openBytes(0x80, 2)).rejects.toThrow('a bare Python pickle');
    await expect(openBytes(0x93, ...Buffer.from('NUMPY'))).rejects.toThrow('one NumPy array');
    await expect(openBytes(0x1f, 0x8b, 8)).rejects.toThrow('compressed with gzip');
    await expect(openBytes(1)).rejects.toThrow('1 bytes');
  });

  test('a header of 0x4b50 bytes is no zip archive', async () => {
    const header = JSON.stringify({ a: entry('F32', [4], 0, 16) }).padEnd(0x4b50);
    const checkpoint = await openCheckpoint(bytesSource(safetensorsFile(header, data)));
    expect(checkpoint.tensors.size).toBe(1);
  });
});
