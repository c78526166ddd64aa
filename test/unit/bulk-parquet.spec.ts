/**
 * Parts as files: what is written is read again, to the bit, and by the names that docs/bulk.md promises to other readers.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { decodePart, encodePart } from '../../src/bulk/parquet.ts';
import { partPaths, partsIn, readPart, removeAbandoned, writePart, writeWhole } from '../../src/bulk/part-files.ts';
import type { Part } from '../../src/bulk/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true }));

const about = { model: 'a'.repeat(64), name: 'tiny', list: 'b'.repeat(64), part: 1, parts: 3 };

const embedded: Part = {
  task: 'embed',
  info: { ...about, dimension: 3 },
  rows: [
    { id: 'a.jpg', vector: Float32Array.of(0.1, -0, 1e-40), error: null },
    { id: 'Bäume/b.jpg', vector: null, error: 'The image b.jpg is empty (0 bytes).' },
    { id: 'https://example.com/c?d=é', vector: Float32Array.of(3.4e38, 2, 3), error: null },
  ],
};

const classified: Part = {
  task: 'classify',
  info: { ...about, dimension: null },
  rows: [
    { id: 'a', labels: ['dog', 'cat'], scores: Float32Array.of(0.9, 0.1), sure: true, error: null },
    { id: 'b', labels: [], scores: new Float32Array(0), sure: null, error: null },
    { id: 'c', labels: null, scores: null, sure: null, error: 'bad' },
  ],
};

const allBad: Part = {
  task: 'embed',
  info: { ...about, dimension: 3 },
  rows: [{ id: 'x', vector: null, error: 'bad' }],
};

describe('a part', () => {
  test.each([embedded, classified, allBad])('of $task is read as it was written', async (part) => {
    const bytes = encodePart(part);
    expect(await decodePart(bytes, 'p')).toEqual(part);
    // In the middle of something larger, too.
    const larger = new Uint8Array(bytes.length + 13);
    larger.set(bytes, 5);
    expect(await decodePart(larger.subarray(5, 5 + bytes.length), 'p')).toEqual(part);
    expect(encodePart(structuredClone(part))).toEqual(bytes);
  });

  test('has the columns and the metadata that other readers are promised', async () => {
    const file = encodePart(embedded).buffer;
    const { key_value_metadata, schema } = parquetMetadata(file);
    expect(Object.fromEntries(key_value_metadata!.map(({ key, value }) => [key, value]))).toEqual({
      'vit-webgpu.task': 'embed',
      'vit-webgpu.model': 'a'.repeat(64),
      'vit-webgpu.name': 'tiny',
      'vit-webgpu.dimension': '3',
      'vit-webgpu.list': 'b'.repeat(64),
      'vit-webgpu.part': '1',
      'vit-webgpu.parts': '3',
    });
    expect(schema.map(({ name, type }) => `${name} ${type ?? ''}`.trim())).toEqual([
      ...['root', 'id BYTE_ARRAY', 'vector', 'list', 'element FLOAT', 'error BYTE_ARRAY'],
    ]);
    const [first] = await parquetReadObjects({ file });
    expect(first).toEqual({ id: 'a.jpg', vector: [Math.fround(0.1), -0, Math.fround(1e-40)], error: null });
  });

  test('that is none is refused by its name', async () => {
    const bytes = encodePart(embedded);
    const strange = bytes.slice();
    // A key of the metadata, at the file's end.
    strange.set(new TextEncoder().encode('vit-other'), Buffer.from(bytes).lastIndexOf('vit-webgpu.model'));
    for (const wrong of [new Uint8Array(0), bytes.slice(0, -9), new TextEncoder().encode('PAR1 no PAR1'), strange])
      await expect(decodePart(wrong, 'p.parquet')).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining('p.parquet is no output of vit-webgpu embed or classify: '),
      });
  });
});

describe('files of parts', () => {
  test('are found in the order of the list, past what else lies there', async () => {
    for (const part of [100_000, 2, 0]) {
      const info = { ...about, part, parts: 100_001, dimension: 3 };
      await writePart(folder, { ...embedded, info } as Part);
    }
    for (const name of ['part-1.parquet', 'part-00001.parquet.txt', '.part-00001.parquet.0123', 'job.json'])
      writeFileSync(join(folder, name), '');
    expect(await partsIn(folder)).toEqual(new Set([0, 2, 100_000]));
    const names = ['part-00000.parquet', 'part-00002.parquet', 'part-100000.parquet'];
    expect(await partPaths(folder)).toEqual(names.map((name) => join(folder, name)));
    expect((await readPart(join(folder, names[1]))).rows).toEqual(embedded.rows);
    await removeAbandoned(folder);
    expect(readdirSync(folder)).toContain('.part-00001.parquet.0123');
    await removeAbandoned(folder, Date.now() + 2 * 3_600_000);
    expect(readdirSync(folder).sort()).toEqual(
      ['job.json', 'part-00001.parquet.txt', 'part-1.parquet', ...names].sort(),
    );
  });

  test('replace one that is there, and leave nothing behind where they cannot be written', async () => {
    await writeWhole(join(folder, 'a'), 'one');
    await writeWhole(join(folder, 'a'), 'two');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('two');
    // A folder cannot be replaced by a file.
    await expect(writeWhole(folder, 'three')).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(['a']);
    expect(readdirSync(join(folder, '..')).filter((name) => name.startsWith('.vit-webgpu-'))).toEqual([]);
  });
});
