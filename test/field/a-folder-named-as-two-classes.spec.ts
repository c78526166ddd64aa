/**
 * ImageNet has two classes called crane, a bird and a machine. A folder of that name says neither, and is not counted as one.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { sortedImages } from '../../src/cli/sorted-images.ts';

const LABELS = ['crane', 'cock', 'crane', 'maillot', 'maillot, tank suit'];

describe('evaluate', () => {
  const root = mkdtempSync(join(tmpdir(), 'vit-webgpu-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const folderOf = (name: string) => {
    const folder = join(root, `one-${name}`);
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'a.png'), '');
    return folder;
  };

  test('a folder of that name is ambiguous, and one of an index is not', () => {
    expect(() => sortedImages(folderOf('crane'), LABELS)).toThrow(/2 classes .* that name\. Call the folder 0 or 2\./);
    expect(sortedImages(folderOf('2'), LABELS)).toMatchObject([{ truth: 2 }]);
  });

  test('a whole label goes before one of several names', () => {
    expect(sortedImages(folderOf('Maillot'), LABELS)).toMatchObject([{ truth: 3 }]);
    expect(sortedImages(folderOf('tank suit'), LABELS)).toMatchObject([{ truth: 4 }]);
  });
});
