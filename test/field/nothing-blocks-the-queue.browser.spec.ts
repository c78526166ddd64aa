/**
 * Who waits for a download waits alone: other calls are answered meanwhile, and every call can be given up.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CallOptions, type ImageInput, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

shareDevice();

let files: ModelFiles;
let vit: ViT;
beforeAll(async () => {
  files = await tinyModel();
  vit = await loadViT(files, { backend: 'webgpu', worker: false });
});
afterAll(() => vit.dispose());
afterEach(() => vi.restoreAllMocks());

const SLOW = 'https://images.test/slow.png';
const picture = plainImage(8, 8, [10, 200, 30]);
const isAborted = { name: 'ViTError', code: 'aborted' };

/** Requests that are answered when `answer` is called, and let go when they are aborted. */
function slowRequests() {
  const waiting: ((response: Response) => void)[] = [];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(
    (_, init) =>
      new Promise((resolve, reject) => {
        waiting.push(resolve);
        init?.signal?.addEventListener('abort', () => reject(init.signal!.reason));
      }),
  );
  return { fetch, answer: (body: Blob) => waiting.shift()!(new Response(body)) };
}

async function pngOf(image: ImageData): Promise<Blob> {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas.convertToBlob();
}

type Call = (image: ImageInput, options?: CallOptions) => Promise<unknown>;
const CALLS: [string, Call][] = [
  ['classify', (image, options) => vit.classify(image, options)],
  ['classify, of several', (image, options) => vit.classify([picture, image], options)],
  ['embed', (image, options) => vit.embed(image, options)],
  ['attend', (image, options) => vit.attend(image, options)],
  ['preprocess', (image, options) => vit.preprocess(image, undefined, options)],
  ['profile', (image, options) => vit.profile(image, options)],
];

describe.for(CALLS)('%s of a slow address', ([name, call]) => {
  test('the others are answered first; then it is answered', async () => {
    const requests = slowRequests();
    const slow = call(SLOW);
    const settled = vi.fn();
    slow.then(settled, settled);
    expect(await vit.classify(picture)).toEqual((await vit.classify([picture]))[0]);
    await vit.preprocess(picture);
    await vit.memory();
    expect(settled).not.toHaveBeenCalled();
    requests.answer(await pngOf(picture));
    const answer = await slow;
    // Milliseconds are never the same.
    if (name !== 'profile') expect(answer).toEqual(await call(picture));
  });

  test('its signal ends it, and the request', async () => {
    const requests = slowRequests();
    const controller = new AbortController();
    const slow = call(SLOW, { signal: controller.signal });
    controller.abort();
    await expect(slow).rejects.toMatchObject(isAborted);
    expect(requests.fetch.mock.calls[0][1]!.signal!.aborted).toBe(true);
    await expect(vit.classify(picture)).resolves.toHaveLength(5);
  });
});

test.for(['selfTest', 'memory'] as const)('%s takes a signal, too', async (name) => {
  await expect(vit[name]({ signal: AbortSignal.abort() })).rejects.toMatchObject(isAborted);
});

test('an <img> that never comes to its end', async () => {
  const image = new Image();
  image.decode = () => new Promise(() => {});
  Object.defineProperty(image, 'complete', { value: false });
  const controller = new AbortController();
  const stuck = vit.classify(image, { signal: controller.signal });
  await expect(vit.classify(picture)).resolves.toHaveLength(5);
  controller.abort();
  await expect(stuck).rejects.toMatchObject(isAborted);
});

test('dispose() settles what waits for a download', async () => {
  const other = await loadViT(files, { backend: 'cpu', worker: false });
  slowRequests();
  const calls = [other.classify(SLOW), other.preprocess(SLOW), other.embed([picture, SLOW])];
  other.dispose();
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'disposed' });
});

test('bitmaps of calls that are given up are closed', async () => {
  const close = vi.spyOn(ImageBitmap.prototype, 'close');
  const { answer } = slowRequests();
  const canvas = new OffscreenCanvas(4, 4);
  canvas.getContext('2d');
  const controller = new AbortController();
  const call = vit.classify([canvas, SLOW], { signal: controller.signal });
  controller.abort();
  await expect(call).rejects.toMatchObject(isAborted);
  answer(await pngOf(picture));
  await vi.waitFor(() => expect(close).toHaveBeenCalled());
});

test('a connection that breaks within the picture', async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError('broken')) });
  vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(body));
  await expect(vit.classify(SLOW)).rejects.toMatchObject({ code: 'network', message: expect.stringContaining(SLOW) });
});

test('an address that is a stream without an end says what to give instead', async () => {
  const headers = { 'content-type': 'multipart/x-mixed-replace; boundary=frame' };
  vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(new ReadableStream(), { headers }));
  await expect(vit.classify(SLOW)).rejects.toMatchObject({ code: 'network', message: expect.stringMatching(/<img>/) });
});
