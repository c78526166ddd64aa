/**
 * The library where there is no browser at all: Node, without `navigator.gpu`, without a worker, without a cache.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cachedModels, checkSupport, clearCache, type EngineEvent, loadViT, type ModelFiles } from '../../src/index.ts';
import { goldenPixels } from '../../src/model/golden.ts';
import { tinyModel } from '../harness/tiny-model.ts';

let files: ModelFiles;
beforeAll(async () => {
  files = await tinyModel();
});

const golden = () => ({ data: goldenPixels(files.manifest.golden.seed, [1, 3, 16, 16]), shape: [1, 3, 16, 16] });

describe('without WebGPU', () => {
  test('the CPU backend computes the golden', async () => {
    for (const backend of ['cpu', 'auto'] as const) {
      const vit = await loadViT(files, { backend, worker: false });
      const { logits } = await vit.forward(golden());
      for (const [i, logit] of files.manifest.golden.logits.entries()) expect(logits!.data[i]).toBeCloseTo(logit, 5);
      expect(await vit.selfTest()).toMatchObject({ passed: true });
      expect(vit.info.backend).toBe('cpu');
      if (backend === 'auto') expect(vit.info.fallbackReason).toMatch(/no WebGPU/);
      vit.dispose();
    }
  });

  test('webgpu is refused with what to do', async () => {
    await expect(loadViT(files, { backend: 'webgpu', worker: false })).rejects.toMatchObject({ code: 'no-webgpu' });
    expect(await checkSupport()).toMatchObject({ webgpu: false, reason: expect.stringMatching(/\w/) });
  });
});

describe('from a server', () => {
  const server = createServer(({ url }, response) => {
    const file = url!.split('/').at(-1)!;
    if (file === 'model.json') response.end(JSON.stringify(files.manifest));
    else response.end(files.shards[files.manifest.shards.findIndex((shard) => shard.file === file)]);
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('nothing is kept, and nothing is said about it', async () => {
    const events: EngineEvent[] = [];
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`;
    const vit = await loadViT(url, { worker: false, backend: 'cpu', onEvent: (event) => events.push(event) });
    expect((await vit.forward(golden())).logits!.data).toHaveLength(5);
    expect(events).toEqual([]);
    expect(await cachedModels()).toEqual([]);
    await clearCache();
    vit.dispose();
  });
});
