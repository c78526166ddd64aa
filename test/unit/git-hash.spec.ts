import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { gitHash } from '../../src/hub/git-hash.ts';

test('is that of git, at every length around the ends of blocks', () => {
  // What `git hash-object` says of an empty file.
  expect(gitHash(new Uint8Array())).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
  for (const length of [1, 40, 47, 48, 54, 55, 56, 63, 64, 65, 1000, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3);
    const expected = createHash('sha1').update(`blob ${length}\0`).update(bytes).digest('hex');
    expect(gitHash(bytes), `${length} bytes`).toBe(expected);
  }
});
