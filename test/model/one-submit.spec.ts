/**
 * From picture to logits on a GPU that resizes itself. SwiftShader leaves that to the CPU, so these devices call
 * themselves something else.
 */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { GpuBackend } from '../../src/engine/gpu-backend.ts';
import { PreprocessGpu } from '../../src/engine/pixels/preprocess-gpu.ts';
import { loadViT, type ModelFiles, type ViT } from '../../src/index.ts';
import type { Preprocess } from '../../src/model/preprocess.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { convert, haveModels, readBytes, readFloats, readJson, realModel } from '../harness/files.ts';
import { once } from '../harness/once.ts';
import { tinyModel } from '../harness/tiny-model.ts';

const open: ViT[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const vit of open.splice(0)) vit.dispose();
});

const deviceThatResizes = once(async () => {
  const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
  const info = { vendor: 'test', architecture: 'test', description: '', isFallbackAdapter: false };
  Object.defineProperty(device, 'adapterInfo', { value: info });
  return device;
});

async function load(files: Parameters<typeof loadViT>[0], device?: GPUDevice): Promise<ViT> {
  const vit = await loadViT(files, { worker: false, backend: 'webgpu', device });
  open.push(vit);
  return vit;
}

async function photo(width: number, height: number, seed: number): Promise<ImageBitmap> {
  const bytes = random(width * height * 4, seed).map((x) => (x + 1) * 127.5);
  const image = new ImageData(
    Uint8ClampedArray.from(bytes, (x, i) => (i % 4 === 3 ? 255 : x)),
    width,
    height,
  );
  return createImageBitmap(image, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
}

describe('picture to logits', () => {
  test('one submit; for a photo of a size seen before no object but the encoder', async () => {
    // It begins after the first answer, and is no part of a run.
    vi.spyOn(GpuBackend.prototype, 'tune').mockRejectedValue(new Error('not in this test'));
    const vit = await load(await tinyModel(), await deviceThatResizes());
    await vit.classify(await photo(123, 77, 1));
    const created: string[] = [];
    const prototype = GPUDevice.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of Object.getOwnPropertyNames(prototype).filter((name) => name.startsWith('create'))) {
      const original = prototype[name];
      vi.spyOn(prototype, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
        created.push(name);
        return original.apply(this, args);
      });
    }
    const submit = vi.spyOn(GPUQueue.prototype, 'submit');
    const upload = vi.spyOn(GPUQueue.prototype, 'copyExternalImageToTexture');
    await vit.classify(await photo(123, 77, 2));
    expect(created).toEqual(['createCommandEncoder']);
    expect(submit).toHaveBeenCalledTimes(1);
    expect(upload).toHaveBeenCalledTimes(1);
  });

  test('the same logits to the bit as with pixels that the CPU resized, for a batch of different sizes', async () => {
    const files = await tinyModel();
    const onGpu = await load(files, await deviceThatResizes());
    const create = PreprocessGpu.create;
    vi.spyOn(PreprocessGpu, 'create').mockImplementation((device, pipelines, options) =>
      create.call(PreprocessGpu, device, pipelines, { ...options, resizeOn: 'cpu' }),
    );
    const onCpu = await load(files, await deviceThatResizes());
    const photos = await Promise.all([photo(200, 90, 3), photo(16, 16, 4), photo(31, 500, 5), photo(200, 90, 6)]);
    const options = { activation: 'none', topK: 5 } as const;
    expect(await onGpu.classify(photos, options)).toEqual(await onCpu.classify(photos, options));
  });
});

describe.runIf(haveModels)('the seven photographs of ViT-Tiny', () => {
  const folder = realModel('vit-tiny-patch16-224');
  let files: ModelFiles;
  let photos: Blob[];

  // Not while the file loads: a skipped block is read all the same, and in a bare clone there is nothing to read.
  beforeAll(async () => {
    const golden = await readJson<{ preprocess: Preprocess; images: { photo: string }[] }>(
      `${folder}/golden/expected.json`,
    );
    files = await convert(`${folder}/model.safetensors`, {
      name: 'vit-tiny',
      heads: 3,
      preprocess: golden.preprocess,
      labels: await readJson(`${folder}/labels.json`),
    });
    photos = await Promise.all(
      golden.images.map(async ({ photo }) => new Blob([await readBytes(`${folder}/golden/photos/${photo}`)])),
    );
  });

  test("PyTorch's logits within 5e-4, through classify and the resize on the GPU", async () => {
    const vit = await load(files, await deviceThatResizes());
    const logits = await readFloats(`${folder}/golden/logits.f32`);
    const ranked = await vit.classify(photos, { activation: 'none', topK: 1000 });
    const computed = ranked.flatMap((row) => row.sort((a, b) => a.index - b.index).map(({ score }) => score));
    const largest = logits.reduce((max, logit) => Math.max(max, Math.abs(logit)), 1);
    expectClose(computed, logits, 5e-4 / largest);
  });

  test('vit.preprocess gives the golden pixels', async () => {
    const vit = await load(files);
    const pixels = await readBytes(`${folder}/golden/pixels.rgb`);
    for (const [i, photo] of photos.entries()) {
      const { data, width, height } = await vit.preprocess(photo);
      expect([width, height]).toEqual([224, 224]);
      const expected = pixels.subarray(i * data.length, (i + 1) * data.length);
      expect(data.findIndex((byte, at) => byte !== expected[at])).toBe(-1);
    }
  });
});
