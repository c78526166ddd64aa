/**
 * A page's own worker that uses the library: every image source that exists in workers, classified there.
 */
import { type ImageInput, loadViT, type ModelFiles } from '../../src/index.ts';

addEventListener('message', async ({ data }: MessageEvent<{ files: ModelFiles; png: Blob }>) => {
  try {
    const { files, png } = data;
    const bitmap = await createImageBitmap(png, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const sources: Record<string, ImageInput> = {
      Blob: png,
      File: new File([png], 'picture.png'),
      URL: URL.createObjectURL(png),
      OffscreenCanvas: canvas,
      ImageBitmap: bitmap,
      ImageData: context.getImageData(0, 0, canvas.width, canvas.height),
      VideoFrame: new VideoFrame(canvas, { timestamp: 0 }),
    };
    const answers: Record<string, unknown> = {};
    for (const worker of [false, undefined] as const) {
      const vit = await loadViT(files, { worker, backend: 'cpu' });
      for (const [name, source] of Object.entries(sources)) {
        answers[`${name}, ${worker === false ? 'in this worker' : 'in a worker of its own'}`] =
          await vit.classify(source);
      }
      vit.dispose();
    }
    postMessage({ answers });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
