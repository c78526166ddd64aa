/**
 * A model at another image size, through the public API. The rules themselves are compared with the libraries in
 * test/unit/resample.spec.ts, and a whole model in families.spec.ts.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { loadViT, type ViT } from '../../src/index.ts';
import { expectClose, random } from '../harness/arrays.ts';
import { shareDevice } from '../harness/shared-device.ts';
import { plainImage, TINY, tinyModel } from '../harness/tiny-model.ts';

const open: ViT[] = [];
afterEach(() => {
  for (const vit of open.splice(0)) vit.dispose();
});

async function load(options: Parameters<typeof loadViT>[1], architecture = TINY): Promise<ViT> {
  const vit = await loadViT(await tinyModel(architecture), { worker: false, backend: 'webgpu', ...options });
  open.push(vit);
  return vit;
}

shareDevice();

describe('imageSize', () => {
  test('changes what the model takes, what pictures become, and what it says of itself', async () => {
    const vit = await load({ imageSize: [24, 40] });
    expect(vit.info.architecture.imageSize).toEqual([24, 40]);
    expect(await vit.preprocess(plainImage(50, 60, [1, 2, 3]))).toMatchObject({ width: 40, height: 24 });
    const { tokens } = await vit.forward({ data: random(2880, 1), shape: [1, 3, 24, 40] }, { outputs: ['tokens'] });
    expect(tokens!.shape).toEqual([1, 1 + 3 * 5, 24]);
    expect(await vit.classify(plainImage(50, 60, [200, 2, 3]))).toHaveLength(5);
    expect((await vit.attend(plainImage(9, 9, [4, 5, 6]))).shape).toEqual([3, 5]);
    await expect(vit.forward({ data: random(768, 1), shape: [1, 3, 16, 16] })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  for (const [title, kind] of [
    ['position embeddings', {}],
    [
      'relative positions',
      { positionEmbedding: 'none', relativePositionBias: 'per-block', relativeResampling: 'geometric' },
    ],
  ] as const) {
    test(`${title}: the GPU gives what the CPU gives`, async () => {
      const pixels = { data: random(2 * 2880, 1), shape: [2, 3, 24, 40] };
      const results = await Promise.all(
        (['webgpu', 'cpu'] as const).map(async (backend) => {
          const vit = await load({ imageSize: [24, 40], backend }, { ...TINY, ...kind });
          return (await vit.forward(pixels)).logits!.data;
        }),
      );
      expectClose(results[0], results[1], 1e-5);
    });
  }

  test('that of the model is as if nothing were said', async () => {
    const pixels = { data: random(768, 1), shape: [1, 3, 16, 16] };
    const [said, unsaid] = [await load({ imageSize: [16, 16] }), await load({})];
    expectClose((await said.forward(pixels)).logits!.data, (await unsaid.forward(pixels)).logits!.data, 0);
    expect(await said.selfTest()).toMatchObject({ passed: true });
  });

  test('that is no multiple of the patch size is refused with the nearest ones', async () => {
    await expect(load({ imageSize: [20, 33] })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('height is 16 or 24, width is 32 or 40'),
    });
  });

  test('has no golden', async () => {
    await expect((await load({ imageSize: [24, 24] })).selfTest()).rejects.toMatchObject({ code: 'bad-input' });
  });
});
