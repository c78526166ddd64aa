/**
 * What a page shows is what is classified: elements are read as they are, and their addresses are not asked for again.
 * That may give another picture, none any more, or no end.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ImageInput, takePicture } from '../../src/client/image-input.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { resizeToSpec } from '../../src/image/model-pixels.ts';
import { pictureSource } from '../../src/image/read-pixels.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { countDifferences, decodeCases, decodeFile } from '../harness/preprocess-cases.ts';

const AS_IT_IS: Preprocess = { resize: null, crop: null, filter: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] };

async function seen(input: ImageInput) {
  const picture = await decodeImage(await takePicture(input));
  return resizeToSpec(pictureSource(picture), AS_IT_IS);
}

function paint(colour: string, options?: CanvasRenderingContext2DSettings): OffscreenCanvas {
  const canvas = new OffscreenCanvas(4, 3);
  const context = canvas.getContext('2d', options)!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 4, 3);
  return canvas;
}

const red = await paint('red').convertToBlob();
const addresses: string[] = [];
function addressOf(blob: Blob): string {
  addresses.push(URL.createObjectURL(blob));
  return addresses.at(-1)!;
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const address of addresses.splice(0)) URL.revokeObjectURL(address);
});

// 16 bits become 8 in another way for the screen: who needs those bytes gives the file.
const cases = (await decodeCases()).map((one) => ({ ...one, off: /^rgba?16\.png$/.test(one.image) ? 1 : 0 }));

async function show(blob: Blob): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = addressOf(blob);
  await image.decode();
  return image;
}

describe('<img>', () => {
  test('no request', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch');
    const image = await show(red);
    expect([...(await seen(image)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
    expect(fetch).not.toHaveBeenCalled();
  });

  test('whose blob: address was given up since', async () => {
    const image = await show(red);
    URL.revokeObjectURL(image.src);
    expect([...(await seen(image)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test('whose source was set just now', async () => {
    const image = new Image();
    image.src = addressOf(red);
    expect([...(await seen(image)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test('whose source was set anew: what it shows then', async () => {
    const image = await show(await paint('blue').convertToBlob());
    image.src = addressOf(red);
    expect([...(await seen(image)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  test('at its own size, whatever the page makes of it', async () => {
    const image = await show(red);
    [image.width, image.height] = [50, 2];
    document.body.append(image);
    const { width, height } = await seen(image);
    image.remove();
    expect([width, height]).toEqual([4, 3]);
  });

  test.for<[string, () => HTMLImageElement, RegExp]>([
    ['without a source', () => new Image(), /no source/],
    ['that cannot be shown', () => Object.assign(new Image(), { src: addressOf(new Blob(['x'])) }), /<img> \(blob:/],
    [
      'that loads when somebody scrolls there',
      () => Object.assign(new Image(), { loading: 'lazy', src: addressOf(red) }),
      /not loaded yet/,
    ],
  ])('%s', async ([, make, message]) => {
    await expect(seen(make())).rejects.toMatchObject({ code: 'bad-image', message: expect.stringMatching(message) });
  });

  test.for(cases)('the bytes of $image: off by $off', async ({ image, width, height, rgb, off }) => {
    const expected = new Uint8Array(await (await decodeFile(rgb)).arrayBuffer());
    const pixels = await seen(await show(await decodeFile(image)));
    expect([pixels.width, pixels.height]).toEqual([width, height]);
    expect(countDifferences(pixels.data, expected).largest).toBe(off);
  });
});

describe('colours as they are shown', () => {
  const colour = 'rgb(200, 100, 50)';
  test.for<[string, () => ImageInput]>([
    ['a canvas in Display P3', () => paint(colour, { colorSpace: 'display-p3' })],
    ['a canvas of half floats', () => paint(colour, { colorType: 'float16' } as CanvasRenderingContext2DSettings)],
    [
      'a frame of a canvas in Display P3',
      () => new VideoFrame(paint(colour, { colorSpace: 'display-p3' }), { timestamp: 0 }),
    ],
    [
      'ImageData in Display P3',
      () => paint(colour).getContext('2d')!.getImageData(0, 0, 4, 3, { colorSpace: 'display-p3' }),
    ],
    [
      'ImageData of half floats',
      () =>
        paint(colour)
          .getContext('2d')!
          .getImageData(0, 0, 4, 3, { pixelFormat: 'rgba-float16' } as ImageDataSettings),
    ],
  ])('%s', async ([, make]) => {
    const { data } = await seen(make());
    // Through another colour space and back.
    for (const [i, value] of [200, 100, 50].entries()) expect(Math.abs(data[i] - value)).toBeLessThanOrEqual(1);
  });
});
