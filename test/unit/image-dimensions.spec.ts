/** Sizes in file headers, of real files of every format, whole and cut off. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { declaredSize } from '../../src/image/declared-size.ts';
import { decodeImage, MAX_PIXELS } from '../../src/image/decode.ts';

const FOLDER = new URL('../fixtures/decode/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('cases.json', FOLDER), 'utf8')) as {
  cases: { image: string; width: number; height: number; stored?: { width: number; height: number } }[];
};

describe('the declared size', () => {
  test('every format is among the files', () => {
    const formats = new Set(readdirSync(FOLDER).map((name) => name.split('.').pop()));
    expect([...formats]).toEqual(expect.arrayContaining(['png', 'jpg', 'gif', 'webp', 'bmp']));
  });

  test.for(cases)('of $image', ({ image, width, height, stored }) => {
    const bytes = readFileSync(new URL(image, FOLDER));
    expect(declaredSize(bytes)).toEqual(stored ? { width: stored.width, height: stored.height } : { width, height });
  });

  test.for(cases)('of $image cut off is unknown, never an exception', ({ image }) => {
    const bytes = readFileSync(new URL(image, FOLDER));
    for (let length = 0; length < 10; length++) expect(declaredSize(bytes.subarray(0, length))).toBeNull();
    for (let length = 10; length < 200; length++) expect(() => declaredSize(bytes.subarray(0, length))).not.toThrow();
  });

  test('of AVIF: the largest of its pictures', () => {
    const ispe = (width: number, height: number) => [
      0,
      0,
      0,
      20,
      ...ascii('ispe'),
      0,
      0,
      0,
      0,
      ...be(width),
      ...be(height),
    ];
    const file = [0, 0, 0, 16, ...ascii('ftypavif'), 0, 0, 0, 0, ...ispe(64, 48), ...ispe(4000, 3000), 0, 0, 0, 0];
    expect(declaredSize(Uint8Array.from(file))).toEqual({ width: 4000, height: 3000 });
  });

  test('of what is no image', () => {
    expect(declaredSize(Uint8Array.from(ascii('%PDF-1.7 something that is long enough')))).toBeNull();
  });
});

describe('refused before anything is decoded', () => {
  test('a picture over the limit, with the limit', async () => {
    const header = [137, ...ascii('PNG\r\n\u001a\n'), 0, 0, 0, 13, ...ascii('IHDR'), ...be(100_000), ...be(50_000)];
    await expect(decodeImage(new Blob([Uint8Array.from(header)]))).rejects.toMatchObject({
      code: 'bad-image',
      message: expect.stringMatching(new RegExp(`100000 x 50000 pixels; the limit is ${MAX_PIXELS}`)),
    });
  });

  test('an empty file, by name', async () => {
    const file = new File([], 'cat.jpg');
    await expect(decodeImage(file)).rejects.toMatchObject({
      code: 'bad-image',
      message: expect.stringContaining('cat.jpg is empty'),
    });
  });

  test('outside a browser, with the way out', async () => {
    const file = new Blob([readFileSync(new URL('rgba.png', FOLDER))]);
    await expect(decodeImage(file)).rejects.toMatchObject({
      message: expect.stringContaining('give { data, width, height }'),
    });
  });
});

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

/** Big-endian, 32 bits. */
function be(value: number): number[] {
  return [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
}
