/**
 * An iframe has classes of its own: its files, canvases and pixels are no instances of the page's, and pictures all the
 * same; so are lists of them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ImageInput, loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import { plainImage, tinyModel } from '../harness/tiny-model.ts';

type Realm = typeof globalThis & Window;
let files: ModelFiles;
let frame: HTMLIFrameElement;
let realm: Realm;
const open: ViT[] = [];
let png: Blob;

beforeAll(async () => {
  files = await tinyModel();
  frame = document.createElement('iframe');
  document.body.append(frame);
  realm = frame.contentWindow as unknown as Realm;
  const canvas = new OffscreenCanvas(8, 8);
  canvas.getContext('2d')!.putImageData(plainImage(8, 8, [200, 30, 40]), 0, 0);
  png = await canvas.convertToBlob();
  for (const worker of [false, undefined] as const) {
    open.push(await loadViT(files, { backend: 'cpu', worker }));
  }
});
afterAll(() => {
  for (const vit of open) vit.dispose();
  frame.remove();
});

const paint = <T extends { getContext(type: '2d'): unknown }>(canvas: T): T => {
  (canvas.getContext('2d') as CanvasRenderingContext2D).putImageData(pixels(), 0, 0);
  return canvas;
};
const pixels = () => {
  const data = new realm.ImageData(8, 8);
  data.data.set(plainImage(8, 8, [200, 30, 40]).data);
  return data;
};
async function img(): Promise<HTMLImageElement> {
  const image = realm.document.createElement('img');
  image.src = URL.createObjectURL(png);
  await image.decode();
  return image;
}
function canvas(): HTMLCanvasElement {
  return paint(Object.assign(realm.document.createElement('canvas'), { width: 8, height: 8 }));
}

describe.for(['in this thread', 'in a worker'])('of an iframe, %s', (where) => {
  test.for<[string, () => ImageInput | Promise<ImageInput>]>([
    ['Blob', async () => new realm.Blob([await png.arrayBuffer()])],
    ['File', async () => new realm.File([await png.arrayBuffer()], 'photo.png')],
    ['URL', () => new realm.URL(URL.createObjectURL(png))],
    ['<img>', img],
    ['<canvas>', canvas],
    ['OffscreenCanvas', () => paint(new realm.OffscreenCanvas(8, 8))],
    ['ImageBitmap', () => realm.createImageBitmap(canvas())],
    ['ImageData', pixels],
    ['VideoFrame', () => new realm.VideoFrame(canvas(), { timestamp: 0 })],
    ['{ data, width, height }', () => ({ data: new realm.Uint8Array(pixels().data), width: 8, height: 8 })],
  ])('%s', async ([, make]) => {
    const vit = open[where === 'in a worker' ? 1 : 0];
    expect(await vit.classify(await make())).toEqual(await vit.classify(png));
  });

  test('a signal and an array', async () => {
    const vit = open[where === 'in a worker' ? 1 : 0];
    const controller = new realm.AbortController();
    const call = vit.classify(realm.Array.of(png, png), { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  test('a model', async () => {
    const shards = realm.Array.from(files.shards, (shard) => new realm.Uint8Array(shard));
    const manifest = (realm as unknown as { JSON: JSON }).JSON.parse(JSON.stringify(files.manifest));
    const worker = where === 'in a worker' ? undefined : false;
    const vit = await loadViT({ manifest, shards }, { backend: 'cpu', worker });
    expect(await vit.classify(png)).toEqual(await open[0].classify(png));
    vit.dispose();
  });
});

describe('lists', () => {
  test('FileList', async () => {
    const transfer = new DataTransfer();
    for (const name of ['a.png', 'b.png']) transfer.items.add(new File([png], name));
    expect(await open[0].classify(transfer.files)).toEqual(await open[0].classify([png, png]));
  });

  test('NodeList, HTMLCollection', async () => {
    const box = document.createElement('div');
    box.append(await img(), canvas());
    const expected = await open[0].embed([png, png]);
    expect(await open[0].embed(box.querySelectorAll('*') as NodeListOf<HTMLImageElement>)).toEqual(expected);
    expect(await open[0].embed(box.children as Iterable<Element> as Iterable<HTMLImageElement>)).toEqual(expected);
  });
});

test('a file whose iframe is gone', async () => {
  const gone = document.createElement('iframe');
  document.body.append(gone);
  const other = gone.contentWindow as unknown as Realm;
  const file = new other.File([await png.arrayBuffer()], 'photo.png');
  gone.remove();
  for (const vit of open) expect(await vit.classify(file)).toEqual(await vit.classify(png));
});
