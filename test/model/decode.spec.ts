/**
 * What the browser makes of every kind of image file, against Pillow's bytes (`test/fixtures/decode`; library and
 * version stand in its `cases.json`). Random colours and random alpha, so that any colour management, multiplication
 * by alpha or rounding shows. The tolerance is zero bytes.
 */
import { describe, expect, test } from 'vitest';
import { decodeImage, type Picture } from '../../src/image/decode.ts';
import { resizeToSpec } from '../../src/image/model-pixels.ts';
import { pictureSource } from '../../src/image/read-pixels.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { countDifferences, decodeCases, decodeFile } from '../harness/preprocess-cases.ts';
import { randomBytes } from '../harness/random-pixels.ts';

const AS_IT_IS: Preprocess = { resize: null, crop: null, filter: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] };
const SAME = { differ: 0, largest: 0 };
const cases = await decodeCases();

/** The RGB bytes of all of `picture`. */
function rgbOf(picture: Picture, background?: [number, number, number]): Uint8Array {
  return resizeToSpec(pictureSource(picture, background), AS_IT_IS).data;
}

async function bytesOf(name: string): Promise<Uint8Array> {
  return new Uint8Array(await (await decodeFile(name)).arrayBuffer());
}

test('every kind is here', () => expect(cases.length).toBeGreaterThanOrEqual(26));

test.for(cases)('$what: $image', async ({ image, width, height, rgb }) => {
  const picture = await decodeImage(await decodeFile(image));
  expect([picture.width, picture.height]).toEqual([width, height]);
  expect(countDifferences(rgbOf(picture), await bytesOf(rgb))).toEqual(SAME);
});

describe('over a background', () => {
  test.for(cases.filter(({ over }) => over))('$what: $image', async ({ image, over }) => {
    const picture = await decodeImage(await decodeFile(image));
    expect(countDifferences(rgbOf(picture, over!.background), await bytesOf(over!.rgb))).toEqual(SAME);
  });
});

describe('EXIF not applied', () => {
  test.for(cases.filter(({ stored }) => stored))('$what: $image', async ({ image, stored }) => {
    const picture = await decodeImage(await decodeFile(image), { orientation: 'stored' });
    expect([picture.width, picture.height]).toEqual([stored!.width, stored!.height]);
    expect(countDifferences(rgbOf(picture), await bytesOf(stored!.rgb))).toEqual(SAME);
  });
});

describe('ImageData', () => {
  test('keeps the colours of transparent pixels', async () => {
    const rgba = randomBytes(20 * 10 * 4, 3);
    const picture = await decodeImage(new ImageData(new Uint8ClampedArray(rgba), 20, 10));
    expect(
      countDifferences(
        rgbOf(picture),
        rgba.filter((_, i) => i % 4 < 3),
      ),
    ).toEqual(SAME);
  });
});

describe('a bitmap of random colours and alpha, read in tiles', () => {
  test.for([
    [9000, 3],
    [3, 9000],
    [1, 1],
  ])('%i x %i', async ([width, height]) => {
    const rgba = randomBytes(width! * height! * 4, 7);
    const bitmap = await createImageBitmap(new ImageData(new Uint8ClampedArray(rgba), width!, height!), {
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
    expect(
      countDifferences(
        rgbOf(bitmap),
        rgba.filter((_, i) => i % 4 < 3),
      ),
    ).toEqual(SAME);
  });
});

describe('refused with a way out', () => {
  test.for<[string, Blob, string]>([
    ['text', new Blob(['hello'], { type: 'text/plain' }), 'not an image that this browser can decode'],
    ['SVG', new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>'], { type: 'image/svg+xml' }), 'is an SVG'],
    ['SVG without a type', new Blob(['<?xml version="1.0"?>\n<svg width="3"/>']), 'draw it on a canvas'],
    ['an empty file', new File([], 'nothing.png'), 'nothing.png is empty'],
  ])('%s', async ([, file, message]) => {
    await expect(decodeImage(file)).rejects.toMatchObject({
      code: 'bad-image',
      message: expect.stringContaining(message),
    });
  });

  test('a JPEG cut off in its header', async () => {
    const file = await decodeFile('progressive.jpg');
    await expect(decodeImage(file.slice(0, 100))).rejects.toMatchObject({ code: 'bad-image' });
  });
});
