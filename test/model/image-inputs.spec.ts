/**
 * Every kind of `ImageInput`, from what a page holds to the bytes that the model sees. One opaque picture of random
 * colours without a loss anywhere: each way must give its bytes exactly, but for video, which has its own colours.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { type ImageInput, takePicture } from '../../src/client/image-input.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { resizeToSpec } from '../../src/image/model-pixels.ts';
import { pictureSource } from '../../src/image/read-pixels.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { countDifferences } from '../harness/preprocess-cases.ts';
import { randomBytes } from '../harness/random-pixels.ts';

const AS_IT_IS: Preprocess = { resize: null, crop: null, filter: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] };
const SAME = { differ: 0, largest: 0 };
const [WIDTH, HEIGHT] = [37, 23];

const rgba = randomBytes(WIDTH * HEIGHT * 4, 21).map((byte, i) => (i % 4 === 3 ? 255 : byte));
const rgb = rgba.filter((_, i) => i % 4 < 3);
const imageData = () => new ImageData(new Uint8ClampedArray(rgba), WIDTH, HEIGHT);

async function seen(input: ImageInput) {
  const picture = await decodeImage(await takePicture(input));
  return resizeToSpec(pictureSource(picture), AS_IT_IS);
}

function canvas(): HTMLCanvasElement {
  const element = document.createElement('canvas');
  [element.width, element.height] = [WIDTH, HEIGHT];
  element.getContext('2d')!.putImageData(imageData(), 0, 0);
  return element;
}

function offscreen(): OffscreenCanvas {
  const result = new OffscreenCanvas(WIDTH, HEIGHT);
  result.getContext('2d')!.putImageData(imageData(), 0, 0);
  return result;
}

const png = await offscreen().convertToBlob({ type: 'image/png' });
const url = URL.createObjectURL(png);
afterAll(() => URL.revokeObjectURL(url));

async function img(): Promise<HTMLImageElement> {
  const element = new Image();
  element.src = url;
  await element.decode();
  return element;
}

describe('the same bytes from', () => {
  test.for<[string, () => ImageInput | Promise<ImageInput>]>([
    ['Blob', () => png],
    ['File', () => new File([png], 'random.png', { type: 'image/png' })],
    ['a Blob that does not say its type', () => new Blob([png])],
    ['URL', () => url],
    ['HTMLImageElement', img],
    ['HTMLCanvasElement', canvas],
    ['OffscreenCanvas', offscreen],
    ['ImageBitmap', () => createImageBitmap(png)],
    ['ImageData', imageData],
    ['VideoFrame', () => new VideoFrame(offscreen(), { timestamp: 0 })],
    ['VideoFrame of an image', async () => new VideoFrame(await img(), { timestamp: 0 })],
  ])('%s', async ([, make]) => {
    const { data, width, height } = await seen(await make());
    expect([width, height]).toEqual([WIDTH, HEIGHT]);
    expect(countDifferences(data, rgb)).toEqual(SAME);
  });

  test('what the caller keeps is left as it was', async () => {
    const bitmap = await createImageBitmap(png);
    const bytes = imageData();
    const frame = new VideoFrame(offscreen(), { timestamp: 0 });
    for (const input of [bitmap, bytes, frame]) await seen(input);
    expect([bitmap.width, bytes.data.length, frame.codedWidth]).toEqual([WIDTH, rgba.length, WIDTH]);
    frame.close();
  });
});

test('HTMLVideoElement: the frame it shows', async () => {
  const painted = canvas();
  const context = painted.getContext('2d')!;
  context.fillStyle = 'rgb(255, 0, 0)';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = painted.captureStream();
  await video.play();
  const { data, width, height } = await seen(video);
  expect([width, height]).toEqual([WIDTH, HEIGHT]);
  for (let i = 0; i < data.length; i += 3) {
    // Through YUV, where pure red is no whole number.
    expect(data[i]).toBeGreaterThan(245);
    expect(Math.max(data[i + 1], data[i + 2])).toBeLessThan(12);
  }
});

describe('refused by name', () => {
  test.for<[string, () => unknown, string, RegExp]>([
    ['a video that shows nothing', () => document.createElement('video'), 'bad-image', /HTMLVideoElement/],
    ['a canvas without an area', () => new OffscreenCanvas(0, 5), 'bad-image', /OffscreenCanvas/],
    [
      'a closed bitmap',
      async () => {
        const bitmap = await createImageBitmap(png);
        bitmap.close();
        return bitmap;
      },
      'bad-image',
      /ImageBitmap/,
    ],
    ['a number', () => 42, 'bad-input', /42/],
    ['nothing', () => null, 'bad-input', /null/],
    ['a URL where nothing is', () => '/no-such-image.png?', 'bad-image', /image/],
  ])('%s', async ([, make, code, message]) => {
    const refused = seen((await make()) as ImageInput);
    await expect(refused).rejects.toMatchObject({ name: 'ViTError', code, message: expect.stringMatching(message) });
  });
});
