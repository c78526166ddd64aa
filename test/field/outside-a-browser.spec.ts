/**
 * Node, Bun and Deno have no `ImageData`, no canvas, and decode nothing: pixels of any decoder work as they are, and what
 * cannot be decoded says what to give instead.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSupport, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { randomBytes } from '../harness/random-pixels.ts';
import { tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
let vit: ViT;
beforeAll(async () => {
  files = await tinyModel();
  vit = await loadViT(files, { worker: false });
});
afterAll(() => vit.dispose());

const [width, height] = [9, 7];
const rgba = randomBytes(width * height * 4, 5).map((byte, i) => (i % 4 === 3 ? 255 : byte));
const rgb = rgba.filter((_, i) => i % 4 < 3);

test('there is no ImageData here', () => expect(globalThis.ImageData).toBeUndefined());

describe('pixels', () => {
  test.for<[string, { data: Uint8Array | Uint8ClampedArray; width: number; height: number }]>([
    ['RGBA in a Uint8ClampedArray', { data: new Uint8ClampedArray(rgba), width, height }],
    ['RGBA in a Uint8Array', { data: rgba, width, height }],
    ['RGB in a Buffer', { data: Buffer.from(rgb), width, height }],
    ['a part of a larger buffer', { data: Buffer.concat([Buffer.alloc(3), rgb]).subarray(3), width, height }],
  ])('%s', async ([, picture]) => {
    const seen = await vit.preprocess(picture, { ...vit.info.preprocess, resize: null });
    expect(seen).toEqual({ data: rgb, width, height });
    expect(picture.data.length).toBeGreaterThan(0);
  });

  test('what preprocess() gives can be given again', async () => {
    const seen = await vit.preprocess({ data: rgb, width, height });
    expect(await vit.classify(seen)).toEqual(await vit.classify({ data: rgb, width, height }));
  });

  test.for<[object, string, RegExp]>([
    [{ data: rgb, width, height: height + 1 }, 'bad-image', /9 x 8, with 189 values of 1 bytes: give 4/],
    [{ data: new Float32Array(rgba.length), width, height }, 'bad-image', /values of 4 bytes/],
    [{ data: rgba, width }, 'bad-image', /9 x undefined/],
    [{ data: new Uint8Array(0), width: 0, height: 0 }, 'bad-image', /0 x 0/],
    [{ data: [...rgba], width, height }, 'bad-input', /Not an image: Object/],
    [rgba, 'bad-input', /Not an image: Uint8Array/],
  ])('refused: %j', async ([picture, code, message]) => {
    await expect(vit.classify(picture as typeof rgb as never)).rejects.toMatchObject({
      name: 'ViTError',
      code,
      message: expect.stringMatching(message),
    });
  });
});

test('a file says what to give instead', async () => {
  const png = new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47])]);
  await expect(vit.classify(png)).rejects.toMatchObject({
    code: 'bad-image',
    message: expect.stringMatching(/outside a browser: give \{ data, width, height \}/),
  });
});

test('a file that changed after it was chosen', async () => {
  const gone = new File(['x'], 'holiday.jpg');
  gone.slice = () => {
    throw new DOMException('The file could not be read', 'NotReadableError');
  };
  await expect(vit.classify(gone)).rejects.toMatchObject({
    code: 'bad-image',
    message: expect.stringMatching(/holiday\.jpg cannot be read/),
  });
});

test('a list of any kind', async () => {
  const picture = { data: rgba, width, height };
  const one = await vit.classify(picture);
  expect(await vit.classify(new Set([picture]))).toEqual([one]);
  expect(await vit.classify([])).toEqual([]);
});

test('without a word about workers, it computes in this thread', async () => {
  const here = await loadViT(files);
  expect(here.info.backend).toBe('cpu');
  here.dispose();
});

test('checkSupport() blames no page', async () => {
  expect(await checkSupport()).toMatchObject({ webgpu: false, reason: expect.not.stringMatching(/secure|https/) });
});
