/**
 * Pictures in Node, decoded by sharp, against Pillow's bytes (`test/fixtures/decode`). The tolerance is zero bytes.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeBySharp } from '../../src/node/decode-by-sharp.ts';
import { readPicture } from '../../src/node/pictures.ts';
import type { DecodeCase } from '../harness/preprocess-cases.ts';

const FOLDER = 'test/fixtures/decode';
const { cases }: { cases: DecodeCase[] } = JSON.parse(readFileSync(`${FOLDER}/cases.json`, 'utf8'));
const readable = cases.filter(({ image }) => !image.endsWith('.bmp'));

async function rgbOf(image: string, orientation?: 'exif' | 'stored'): Promise<Uint8Array> {
  const picture = await readPicture(`${FOLDER}/${image}`, decodeBySharp, { orientation });
  if (!('data' in picture)) throw new Error('no pixels');
  return Uint8Array.from(picture.data.filter((_, i) => i % 4 < 3));
}

test('every kind is here', () => expect(readable.length).toBeGreaterThanOrEqual(25));

test.for(readable)('$what: $image', async ({ image, rgb }) => {
  expect(await rgbOf(image)).toEqual(new Uint8Array(readFileSync(`${FOLDER}/${rgb}`)));
});

test.for(readable.filter(({ stored }) => stored))('EXIF not applied: $image', async ({ image, stored }) => {
  expect(await rgbOf(image, 'stored')).toEqual(new Uint8Array(readFileSync(`${FOLDER}/${stored!.rgb}`)));
});

describe('what is no picture', () => {
  const read = (image: string | Blob) => readPicture(image, decodeBySharp, {});

  test('is refused by name', async () => {
    await expect(read('package.json')).rejects.toMatchObject({
      code: 'bad-image',
      message: expect.stringContaining('package.json cannot be decoded'),
    });
    await expect(read('absent.png')).rejects.toMatchObject({
      code: 'bad-image',
      message: expect.stringContaining('absent.png cannot be read'),
    });
    await expect(read(new Blob([]))).rejects.toMatchObject({ code: 'bad-image' });
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>';
    await expect(read(new Blob([svg]))).rejects.toMatchObject({ message: expect.stringContaining('SVG') });
  });

  test.for(['full-chroma.jpg', 'progressive.jpg', 'rgb16.png', 'lossy.webp'])(
    'is refused where half of it is missing: %s',
    async (image) => {
      const whole = readFileSync(`${FOLDER}/${image}`);
      await expect(read(new Blob([whole.subarray(0, whole.length / 2)]))).rejects.toMatchObject({ code: 'bad-image' });
    },
  );

  test('is refused when it is too large, before memory is taken', async () => {
    const bomb = new Uint8Array(readFileSync(`${FOLDER}/rgba.png`));
    new DataView(bomb.buffer).setUint32(16, 100_000);
    new DataView(bomb.buffer).setUint32(20, 100_000);
    await expect(read(new Blob([bomb]))).rejects.toMatchObject({ message: expect.stringContaining('the limit is') });
  });
});

test("the caller's own decoder gets the bytes and the orientation", async () => {
  const seen: unknown[] = [];
  const picture = await readPicture(
    `${FOLDER}/rgba.png`,
    (bytes, options) => {
      seen.push(bytes.length, options);
      return { data: new Uint8Array([1, 2, 3]), width: 1, height: 1 };
    },
    { orientation: 'stored' },
  );
  expect(seen).toEqual([readFileSync(`${FOLDER}/rgba.png`).length, { orientation: 'stored' }]);
  expect(picture).toMatchObject({ data: new Uint8ClampedArray([1, 2, 3, 255]), width: 1, height: 1 });
});
