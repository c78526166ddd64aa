/**
 * What a model says about its own preprocessing: `info.preprocess` and `geometry()`, for whoever draws the crop.
 */
import { afterAll, expect, test } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import { tinyModel } from '../harness/tiny-model.ts';

const files = await tinyModel();
files.manifest.preprocess.resize = { mode: 'shortest-edge', size: 20, rounding: 'trunc' };
files.manifest.preprocess.crop = { width: 16, height: 16, rounding: 'half-even' };

const open: ViT[] = [];
afterAll(() => {
  for (const vit of open) vit.dispose();
});

async function load(imageSize?: [number, number]): Promise<ViT> {
  const vit = await loadViT(files, { backend: 'cpu', worker: false, imageSize });
  open.push(vit);
  return vit;
}

test('the crop of a wide picture is its middle', async () => {
  const vit = await load();
  expect(vit.info.preprocess).toEqual(files.manifest.preprocess);
  expect(vit.geometry({ width: 80, height: 40 })).toMatchObject({
    source: { width: 80, height: 40 },
    resized: { width: 40, height: 20 },
    output: { width: 16, height: 16 },
    left: 12,
    top: 2,
  });
});

test('at another image size both say what is done there', async () => {
  const vit = await load([32, 32]);
  expect(vit.info.preprocess).toMatchObject({ resize: { size: 40 }, crop: { width: 32, height: 32 } });
  expect(vit.geometry({ width: 80, height: 40 })).toMatchObject({
    resized: { width: 80, height: 40 },
    output: { width: 32, height: 32 },
    left: 24,
    top: 4,
  });
});

test.each([
  [{ width: 0, height: 3 }, /width is 0/],
  [{ width: 3, height: 1.5 }, /height is 1.5/],
  [undefined, /width is undefined/],
])('a size that is none is refused: %j', async (size, message) => {
  const vit = await load();
  expect(() => vit.geometry(size as never)).toThrow(message);
});
