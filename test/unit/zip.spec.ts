/**
 * Zip archives as another library writes them.
 */
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js/lib/zip-core-native.js';
import { expect, test } from 'vitest';
import { bytesSource } from '../../src/convert/byte-source.ts';
import { openZip } from '../../src/convert/zip.ts';

const MEMBERS = Object.fromEntries(
  [0, 1, 1000, 3_000_000].map((length) => [`folder/${length}`, Uint8Array.from({ length }, (_, i) => i * 7)]),
);

test.for([
  { zip64: false, level: 0 },
  { zip64: false, level: 6 },
  { zip64: true, level: 0 },
  { zip64: true, level: 6 },
])('%j, with a folder and a comment: every member is what was put in', async ({ zip64, level }) => {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { level, zip64, useWebWorkers: false });
  await writer.add('folder/', undefined, { directory: true });
  for (const [name, bytes] of Object.entries(MEMBERS)) await writer.add(name, new Uint8ArrayReader(bytes));
  const archive = await writer.close(new TextEncoder().encode('a comment, PK\x05\x06 and all of that'));
  // Those of 64 bits have an end of their own.
  expect(Buffer.from(archive).includes('PK\x06\x06')).toBe(zip64);
  const opened = await openZip(bytesSource(archive));
  expect([...opened.keys()]).toEqual(Object.keys(MEMBERS));
  for (const [name, bytes] of Object.entries(MEMBERS)) {
    const member = opened.get(name)!;
    expect(member.size).toBe(bytes.length);
    expect(Buffer.compare(await member.read(0, bytes.length), bytes), name).toBe(0);
    const half = bytes.length >> 1;
    expect(Buffer.compare(await member.read(half, bytes.length - half), bytes.slice(half)), name).toBe(0);
  }
});
