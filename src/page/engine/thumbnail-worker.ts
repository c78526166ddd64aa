/**
 * Scales photos to small squares, in a thread of its own: of a thousand photos the page would feel it.
 */
export {};

/** Pixels of an edge: enough for a tile on a fine screen. */
const EDGE = 240;

const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<{ id: number; file: Blob }>) => void;
  postMessage(answer: { id: number; square: Blob | null }): void;
};

worker.onmessage = async ({ data: { id, file } }) => {
  worker.postMessage({ id, square: await squareOf(file).catch(() => null) });
};

async function squareOf(file: Blob): Promise<Blob> {
  const image = await createImageBitmap(file, { resizeWidth: EDGE, resizeQuality: 'medium' });
  const canvas = new OffscreenCanvas(EDGE, EDGE);
  const scale = Math.max(1, EDGE / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  canvas.getContext('2d')!.drawImage(image, (EDGE - width) / 2, (EDGE - height) / 2, width, height);
  image.close();
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.8 });
}
