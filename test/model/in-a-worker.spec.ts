/**
 * The library used from a page's own worker: every image source that exists there gives the same answer.
 */
import { expect, test } from 'vitest';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

test('every image source, from within a worker', async () => {
  const files = await tinyModel();
  const picture = plainImage(40, 30, [200, 40, 90]);
  picture.data.fill(255, 0, 1600);
  const canvas = new OffscreenCanvas(40, 30);
  canvas.getContext('2d')!.putImageData(picture, 0, 0);
  const png = await canvas.convertToBlob({ type: 'image/png' });
  const worker = new Worker(new URL('../harness/inputs-worker.ts', import.meta.url), { type: 'module' });
  const reply = new Promise<{ answers?: Record<string, unknown>; error?: string }>((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => resolve(data));
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
  });
  worker.postMessage({ files, png });
  const { answers, error } = await reply;
  worker.terminate();
  expect(error).toBeUndefined();
  expect(Object.keys(answers!)).toHaveLength(14);
  const [first] = Object.values(answers!) as { score: number }[][];
  expect(first).toHaveLength(5);
  for (const [source, answer] of Object.entries(answers!)) expect(answer, source).toEqual(first);
});
