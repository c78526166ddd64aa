/**
 * Image files from nobody knows where, as far as this library reads them itself: the size that a header declares, and
 * where the EXIF lies. The browser's decoders get the same files in test/model/fuzz-decode.spec.ts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ViTError } from '../../src/error.ts';
import { declaredSize } from '../../src/image/declared-size.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { withoutOrientation } from '../../src/image/orientation.ts';
import { edits, fuzzRuns, mutate, SEED } from '../harness/fuzz.ts';

const RUNS = fuzzRuns(3000);
/** A case takes far less than a millisecond; this is what a loop without end would exceed on any machine. */
const SLOW_MS = 2000;
const FOLDER = 'test/fixtures/decode';

const ISO_BOXES =
  '\0\0\0\x18ftypavif\0\0\0\0avifmif1\0\0\0\x30meta\0\0\0\0iprp\0\0\0\x14ispe\0\0\0\0\0\0\0\x21\0\0\0\x11';
const files = [
  ...readdirSync(FOLDER)
    .filter((file) => !/\.(rgb|json)$/.test(file))
    .map((file) => new Uint8Array(readFileSync(`${FOLDER}/${file}`))),
  Uint8Array.from(ISO_BOXES, (character) => character.charCodeAt(0)),
];

/** Files with changes anywhere, or in their header alone: that is what is read here. */
const images = fc
  .tuple(fc.constantFrom(...files), edits, fc.constantFrom(64, 400, Infinity))
  .map(([file, changes, within]) => mutate(file, changes, within));

async function check(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const start = performance.now();
  const size = declaredSize(bytes);
  if (size) for (const side of [size.width, size.height]) expect(Number.isSafeInteger(side) && side >= 0).toBe(true);

  const blob = new Blob([bytes]);
  const upright = await withoutOrientation(blob);
  expect(upright.size).toBeLessThanOrEqual(blob.size);
  // Here there is no decoder: all that can happen is a refusal.
  await decodeImage(blob, { orientation: 'stored' }).then(
    () => expect.unreachable(),
    (error) => {
      if (!(error instanceof ViTError) || error.code !== 'bad-image') throw error;
    },
  );
  const took = performance.now() - start;
  if (took > SLOW_MS) throw new Error(`took ${took} ms`);
}

test('every fixture declares its size', () => {
  for (const file of files) expect(declaredSize(file)!.width).toBeGreaterThan(0);
});

test('mutated image files', { timeout: 60_000 + RUNS * 20 }, async () => {
  const before = process.memoryUsage().rss;
  await fc.assert(fc.asyncProperty(images, check), { numRuns: RUNS, seed: SEED });
  expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
});

test('bytes that begin like an image', { timeout: 60_000 + RUNS * 20 }, async () => {
  const magic = fc.constantFrom(
    ...files.map((file) => file.slice(0, 4)),
    ...files.map((file) => file.slice(0, 16)),
    Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, 0),
  );
  const bytes = fc
    .tuple(magic, fc.uint8Array({ maxLength: 600 }))
    .map(([start, rest]) => new Uint8Array([...start, ...rest]));
  await fc.assert(fc.asyncProperty(bytes, check), { numRuns: RUNS, seed: SEED });
});
